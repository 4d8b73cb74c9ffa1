import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { basicAuth, type BasicAuthOptions } from "../../mod.ts";
import { test } from "../kit/harness.ts";

const users = { ada: "pa:ss", "": "nobody", nopass: "", björn: "smörgås", long: "x".repeat(1000) };
const encode = (text: string) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

/** Whether a request with this Authorization may pass. */
async function passes(authorization: string | undefined, options: BasicAuthOptions = { realm: "", users }) {
  const headers = { get: (name: string) => name === "authorization" ? authorization ?? null : null };
  const refusal = await basicAuth(options)({ method: "GET", url: "http://localhost/", headers });
  assert(refusal === undefined || refusal.status === 401);
  return refusal === undefined;
}

const VALUES: readonly [name: string, value: string | undefined, passes: boolean][] = [
  ["a password with a colon", `Basic ${encode("ada:pa:ss")}`, true],
  ["the scheme in lower case", `basic ${encode("ada:pa:ss")}`, true],
  ["several spaces behind the scheme", `BASIC   ${encode("ada:pa:ss")}`, true],
  ["UTF-8 in both parts", `Basic ${encode("björn:smörgås")}`, true],
  ["an empty password that is the right one", `Basic ${encode("nopass:")}`, true],
  ["an empty user that is known", `Basic ${encode(":nobody")}`, true],
  ["a long password", `Basic ${encode(`long:${"x".repeat(1000)}`)}`, true],
  ["nothing", undefined, false],
  ["an empty value", "", false],
  ["the scheme alone", "Basic", false],
  ["another scheme", `Bearer ${encode("ada:pa:ss")}`, false],
  ["no space behind the scheme", `Basic${encode("ada:pa:ss")}`, false],
  ["a comma and more", `Basic ${encode("ada:pa:ss")}, Basic ${encode("ada:pa:ss")}`, false],
  ["bad base64", "Basic a$b=", false],
  ["base64 without its padding", `Basic ${encode("ada:pa:ss").slice(0, -1)}a===`, false],
  ["base64 of a wrong length", "Basic abcde", false],
  ["no colon", `Basic ${encode("ada")}`, false],
  ["a password up to its colon", `Basic ${encode("ada:pa")}`, false],
  ["a password in another case", `Basic ${encode("ada:PA:SS")}`, false],
  ["an empty password", `Basic ${encode("ada:")}`, false],
  ["an unknown user", `Basic ${encode("eve:pa:ss")}`, false],
  ["an unknown user with an empty password", `Basic ${encode("eve:")}`, false],
  ["a property of objects as user", `Basic ${encode(`constructor:${Object}`)}`, false],
  ["a property of objects as user, without a password", `Basic ${encode("constructor:")}`, false],
  ["__proto__ as user", `Basic ${encode("__proto__:[object Object]")}`, false],
  ["latin-1", `Basic ${btoa("bj\xf6rn:sm\xf6rg\xe5s")}`, false],
  ["a control character", `Basic ${encode("ada:pa:ss\0")}`, false],
  ["a line end", `Basic ${encode("ada\n:pa:ss")}`, false],
];
for (const [name, value, expected] of VALUES) {
  test(`basicAuth() lets ${expected ? "" : "nobody "}pass with ${name}`, async () => {
    assertEquals(await passes(value), expected);
  });
}

test("basicAuth() asks verify with user and password, and takes nothing but true and false", async () => {
  const asked: unknown[] = [];
  const by = (answer: unknown) => ({
    realm: "",
    verify: (...credentials: string[]) => {
      asked.push(credentials);
      return answer as boolean;
    },
  });
  assertEquals(await passes(`Basic ${encode("a:b:c")}`, by(true)), true);
  assertEquals(await passes(`Basic ${encode("a:")}`, by(Promise.resolve(true))), true);
  assertEquals(await passes(`Basic ${encode(":")}`, by(false)), false);
  assertEquals(await passes(`Basic ${encode(":")}`, by(Promise.resolve(false))), false);
  assertEquals(await passes("Basic ?", by(true)), false);
  assertEquals(asked, [["a", "b:c"], ["a", ""], ["", ""], ["", ""]]);
  for (
    const answer of [{ ok: false, row: "secret" }, Promise.resolve({ ok: true }), 1, "false", undefined, null, 0, ""]
  ) {
    const error = await assertRejects(
      () => passes(`Basic ${encode("a:b")}`, by(answer)),
      TypeError,
      "neither true nor",
    );
    assert(!error.message.includes("secret"));
  }
});

test("basicAuth() rejects with the error of verify", async () => {
  const error = new Error("mine");
  const verify = () => Promise.reject(error);
  assertStrictEquals(await assertRejects(() => passes(`Basic ${encode("a:b")}`, { realm: "", verify })), error);
});

const REALMS: readonly [realm: string, quoted: string][] = [
  ["here", '"here"'],
  ["", '""'],
  ['the "engine" room', '"the \\"engine\\" room"'],
  ["a\\b", '"a\\\\b"'],
];
for (const [realm, quoted] of REALMS) {
  test(`basicAuth() asks for the realm ${quoted}`, async () => {
    const refusal = await basicAuth({ realm, users: {} })(new Request("http://localhost/"));
    assertEquals(refusal?.headers.get("www-authenticate"), `Basic realm=${quoted}, charset="UTF-8"`);
    assertEquals([refusal?.status, refusal?.statusText], [401, "Unauthorized"]);
    assert((await refusal!.text()).length > 0);
  });
}

test("basicAuth() refuses a realm that can't be quoted, and both or neither of users and verify", () => {
  for (const realm of ["a\nb", "a\0", "é", undefined, 5]) {
    assertThrows(() => basicAuth({ realm: realm as string, users: {} }), TypeError, "realm");
  }
  assertThrows(() => basicAuth({ realm: "" }), TypeError, "either");
  assertThrows(() => basicAuth({ realm: "", users: {}, verify: () => true }), TypeError, "either");
  assertThrows(() => basicAuth({ realm: "", verify: "b" as unknown as () => true }), TypeError, "not a function");
});

test("basicAuth() refuses a user name with a colon, which nobody could give", () => {
  assertThrows(() => basicAuth({ realm: "", users: { ada: "secret", "a:b": "c" } }), TypeError, "colon");
});

test("basicAuth() does the same work for whoever asks", async () => {
  const { subtle } = crypto, { digest } = subtle, counts: number[] = [];
  let count = 0;
  subtle.digest = (...args) => (count++, digest.apply(subtle, args));
  try {
    for (const credentials of ["ada:pa:ss", "ada:wrong", "nopass:", "nopass:x", "eve:pa:ss", "eve:", "constructor:"]) {
      count = 0;
      await passes(`Basic ${encode(credentials)}`);
      counts.push(count);
    }
  } finally {
    subtle.digest = digest;
  }
  assert(counts[0]! > 0);
  assertEquals(new Set(counts).size, 1, `${counts}`);
});
