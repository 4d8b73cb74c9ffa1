// Which statuses of a response, and which close codes, are worth another attempt with the same request. What is not listed
// is final: to try again what can't succeed hides the mistake from its owner, and costs the server.

/** The client's own statuses that are about the moment: timeout, too early, too many (RFC 9110 §15.5.9, 8470 §5.2, 6585 §4). */
const RETRYABLE_4XX = new Set([408, 425, 429]);

/** The server's statuses that say what it can't do at all: to implement, versions, loops, extensions, a login first. */
const FINAL_5XX = new Set([501, 505, 506, 508, 510, 511]);

/**
 * Whether a status is about this moment. One that is not known counts as the first of its class (RFC 9110 §15): a 5xx as
 * 500, as those that reverse proxies invent for a server that is down.
 */
export function isRetryableStatus(status: number): boolean {
  return RETRYABLE_4XX.has(status) || status >= 500 && status <= 599 && !FINAL_5XX.has(status);
}

/**
 * Close codes after which another connection may do better (RFC 6455 §7.4.1, and IANA's registry): going away, none given,
 * lost, internal error, service restart, try again later, bad gateway, and the registered timeout. 1005 is among them since
 * many servers that stop close without a code; 1000 is not: it says that the purpose is fulfilled.
 */
const RETRYABLE_CODES = new Set([1001, 1005, 1006, 1011, 1012, 1013, 1014, 3008]);

/** Whether a close code is about this moment. `null` is an error without a code. */
export function isRetryableCode(code: number | null): boolean {
  return code !== null && RETRYABLE_CODES.has(code);
}
