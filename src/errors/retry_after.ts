// Reads Retry-After (RFC 9110 §10.2.3): seconds, or a date in any of the three formats of §5.6.7, of which all but the
// first are obsolete and must be understood nevertheless.

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/** Sun, 06 Nov 1994 08:49:37 GMT · Sunday, 06-Nov-94 08:49:37 GMT · Sun Nov  6 08:49:37 1994 */
const FORMATS = [
  /^\w{3}, (?<day>\d\d) (?<month>\w{3}) (?<year>\d{4}) (?<time>\d\d:\d\d:\d\d) GMT$/,
  /^\w{6,9}, (?<day>\d\d)-(?<month>\w{3})-(?<year>\d\d) (?<time>\d\d:\d\d:\d\d) GMT$/,
  /^\w{3} (?<month>\w{3}) (?<day>[\d ]\d) (?<time>\d\d:\d\d:\d\d) (?<year>\d{4})$/,
];

/**
 * How long to wait, in milliseconds; a date is compared with the Date field beside it, or else with the time that is given.
 *
 * @returns `undefined` when there is no such field, or none that can be read.
 */
export function parseRetryAfter(headers: Pick<Headers, "get">, now: number): number | undefined {
  const value = headers.get("retry-after")?.trim() ?? "";
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const date = parseDate(value, now);
  return date && Math.max(0, date - (parseDate(headers.get("date")?.trim() ?? "", now) ?? now));
}

/** The time that an HTTP date says, in milliseconds since 1970, or `undefined`. */
function parseDate(value: string, now: number): number | undefined {
  for (const format of FORMATS) {
    const { day, month = "", year, time = "" } = format.exec(value)?.groups ?? {},
      at = MONTHS.indexOf(month.toLowerCase());
    if (day === undefined || at < 0) continue;
    const [hour = 0, minute = 0, second = 0] = time.split(":").map(Number);
    return Date.UTC(fullYear(Number(year), now), at, Number(day), hour, minute, second);
  }
  return undefined;
}

/** §5.6.7: a year of two digits that would be more than 50 years in the future is the last one before that ends so. */
function fullYear(year: number, now: number): number {
  const latest = new Date(now).getUTCFullYear() + 50;
  return year > 99 ? year : latest - (latest - year) % 100;
}
