// What is done in Redis as one step: a batch of messages gets its numbers, is stored, and is told to all who subscribe.

/**
 * Keys: the stream of a room; its ids, a sorted set by number. Arguments: the channel; how many messages and how many ids
 * are kept; after how many milliseconds both are forgotten, 0 for never; then an id and a payload for each message.
 *
 * A number is the time in microseconds, or one more than the last. So numbers are never given twice, even when what was
 * stored last is lost in a crash, or everything. An entry has the number of the one before it, so that a gap shows.
 */
export const PUBLISH_SCRIPT = `
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local last = newest and tonumber(string.match(newest[1], '^%d+')) or 0
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local numbers = {}
for i = 5, #ARGV, 2 do
  local number = redis.call('ZSCORE', KEYS[2], ARGV[i])
  if not number then
    local previous = string.format('%.0f', last)
    last = math.max(last + 1, now)
    number = string.format('%.0f', last)
    redis.call('XADD', KEYS[1], 'MAXLEN', '=', ARGV[2], number .. '-0', 'p', previous, 'd', ARGV[i + 1])
    redis.call('ZADD', KEYS[2], number, ARGV[i])
    redis.call('PUBLISH', ARGV[1], number .. ' ' .. previous .. ' ' .. ARGV[i + 1])
  end
  numbers[#numbers + 1] = number
end
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -1 - ARGV[3])
if ARGV[4] ~= '0' then
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
  redis.call('PEXPIRE', KEYS[2], ARGV[4])
end
return numbers`;
