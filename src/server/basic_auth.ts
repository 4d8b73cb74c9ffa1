// HTTP Basic authentication (RFC 7617) as a policy: for the `authorize` option, or to be called before any other response.

import { decodeBase64 } from "../base/base64.ts";
import { digest } from "../base/digest.ts";
import { decodeText } from "../base/utf8.ts";
import type { RequestHead } from "../errors/handshake_error.ts";

/**
 * Options of {@linkcode basicAuth}. Give either `users` or `verify`.
 *
 * @example Passwords that are looked up elsewhere
 * ```ts
 * import { answer, basicAuth, type BasicAuthOptions, offer } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const lookUp = (user: string) => Promise.resolve(user === "ada" ? "secret" : undefined);
 * const options: BasicAuthOptions = {
 *   realm: "the engine room",
 *   verify: async (user, password) => await lookUp(user) === password,
 * };
 * const { request } = offer("ws://ada:secret@localhost/");
 * const { response } = await answer(request, { authorize: basicAuth(options) });
 *
 * assertEquals(response.status, 101);
 * ```
 */
export interface BasicAuthOptions {
  /** What is protected: browsers show it to the user who is asked for a password. */
  realm: string;
  /** The password of each user name. Passwords are compared in constant time. */
  users?: Readonly<Record<string, string>> | undefined;
  /**
   * Decides whether the password is right. It should compare in constant time, too. What it gives must be true or false, and
   * the policy rejects with a `TypeError` for anything else: nobody is let in by an object that says no.
   */
  verify?: ((user: string, password: string) => boolean | Promise<boolean>) | undefined;
}

interface Credentials {
  readonly user: string;
  readonly password: string;
}

/**
 * Makes a policy that asks for a user name and a password: HTTP Basic authentication (RFC 7617).
 *
 * @param options What is protected, and who may pass.
 * @returns A function that gives a 401 response for a request without valid credentials, and `undefined` for one with them.
 * @throws {TypeError} When the realm has other than visible ASCII characters, when a user name has a colon, when
 * `verify` is not a function, or when both or neither of `users` and `verify` are given.
 *
 * @example Usage
 * ```ts
 * import { basicAuth } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const policy = basicAuth({ realm: "the engine room", users: { ada: "pa:ss" } });
 *
 * const refusal = await policy(new Request("http://localhost/"));
 * assertEquals(refusal?.status, 401);
 *
 * const headers = { authorization: `Basic ${btoa("ada:pa:ss")}` };
 * assertEquals(await policy(new Request("http://localhost/", { headers })), undefined);
 * ```
 */
export function basicAuth(options: BasicAuthOptions): (request: RequestHead) => Promise<Response | undefined> {
  const { realm, users, verify } = options;
  if (typeof realm !== "string" || !/^[\x20-\x7e]*$/.test(realm)) {
    throw new TypeError("Cannot ask for a password: the realm must be a string of visible ASCII characters");
  }
  if ((users === undefined) === (verify === undefined)) {
    throw new TypeError("Cannot ask for a password: give either users or verify");
  }
  if (verify !== undefined && typeof verify !== "function") {
    throw new TypeError("Cannot ask for a password: verify is not a function");
  }
  if (Object.keys(users ?? {}).some((user) => user.includes(":"))) {
    throw new TypeError("Cannot ask for a password: a user name must not have a colon (RFC 7617 §2)");
  }
  const known = new Map(Object.entries(users ?? {}));
  const check = verify ?? ((user, password) => isSecret(password, known.get(user)));
  const challenge = `Basic realm="${realm.replace(/[\\"]/g, "\\$&")}", charset="UTF-8"`;
  return async (request) => {
    const credentials = readCredentials(request.headers.get("authorization"));
    const isRight = credentials !== undefined && await check(credentials.user, credentials.password);
    if (typeof isRight !== "boolean") { // what it gave is not shown: it may be what is known of a user
      throw new TypeError("Cannot judge a password: verify gave neither true nor false");
    }
    if (isRight) return undefined;
    const headers = { "www-authenticate": challenge, "content-type": "text/plain; charset=utf-8" };
    return new Response("A user name and a password are needed\n", {
      status: 401,
      statusText: "Unauthorized",
      headers,
    });
  };
}

/** RFC 7617 §2: Base64 of UTF-8; the user name ends at the first colon. */
function readCredentials(value: string | null): Credentials | undefined {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(value ?? "")?.[1];
  if (encoded === undefined) return undefined;
  let text: string | undefined;
  try {
    text = decodeText(decodeBase64(encoded));
  } catch {
    return undefined;
  }
  const colon = text?.indexOf(":") ?? -1;
  // §2: neither part contains control characters
  if (text === undefined || colon < 0 || /\p{Cc}/u.test(text)) return undefined;
  return { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** Compares in constant time: all bytes of two digests, also when the user is unknown. */
async function isSecret(given: string, wanted: string | undefined): Promise<boolean> {
  const [a, b] = await Promise.all([sha256(given), sha256(wanted ?? "")]);
  let difference = wanted === undefined ? 1 : 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}

function sha256(text: string): Promise<Uint8Array> {
  return digest("SHA-256", new TextEncoder().encode(text));
}
