// The public tests of the class WebSocket that can be asked outside of a browser (websockets/*.any.js of web-platform-tests),
// and how many subtests each has. Those that need a page stay out: idlharness, mixed-content.https, Create-blocked-port and
// bufferedAmount-unchanged-by-sync-xhr.

import { assertEquals } from "@std/assert";
import { test } from "../kit/harness.ts";
import { type OpenSocket, type ServeOne, testSocket } from "./peers.ts";

export const FILES = {
  create: {
    "Create-asciiSep-protocol-string": 1,
    "Create-extensions-empty": 1,
    "Create-http-urls": 1,
    "Create-invalid-urls": 8,
    "Create-non-absolute-url": 4,
    "Create-nonAscii-protocol-string": 1,
    "Create-protocol-with-space": 1,
    "Create-protocols-repeated-case-insensitive": 1,
    "Create-protocols-repeated": 1,
    "Create-url-with-space": 1,
    "Create-valid-url-array-protocols": 1,
    "Create-valid-url-binaryType-blob": 1,
    "Create-valid-url-protocol-empty": 1,
    "Create-valid-url-protocol-setCorrectly": 1,
    "Create-valid-url-protocol-string": 1,
    "Create-valid-url-protocol": 1,
    "Create-valid-url": 1,
    "basic-auth": 1,
    "binaryType-wrong-value": 1,
    "constructor": 1,
    "constructor/option-bag": 2,
    "constructor/third-param-ignored": 3,
    "eventhandlers": 4,
    "referrer": 1,
  },
  close: {
    "Close-1000-reason": 1,
    "Close-1000-verify-code": 1,
    "Close-1000": 1,
    "Close-1005-verify-code": 1,
    "Close-1005": 1,
    "Close-2999-reason": 1,
    "Close-3000-reason": 1,
    "Close-3000-verify-code": 1,
    "Close-4999-reason": 1,
    "Close-Reason-124Bytes": 1,
    "Close-delayed": 1,
    "Close-onlyReason": 1,
    "Close-readyState-Closed": 1,
    "Close-readyState-Closing": 1,
    "Close-reason-unpaired-surrogates": 1,
    "Close-server-initiated-close": 1,
    "Close-undefined": 1,
    "close-invalid": 6,
    "interfaces/WebSocket/close/close-connecting-async": 1,
  },
  send: {
    "Send-0byte-data": 1,
    "Send-65K-data": 1,
    "Send-before-open": 1,
    "Send-binary-65K-arraybuffer": 1,
    "Send-binary-arraybuffer": 1,
    "Send-binary-arraybufferview-float16": 1,
    "Send-binary-arraybufferview-float32": 1,
    "Send-binary-arraybufferview-float64": 1,
    "Send-binary-arraybufferview-int16-offset": 1,
    "Send-binary-arraybufferview-int32": 1,
    "Send-binary-arraybufferview-int8": 1,
    "Send-binary-arraybufferview-uint16-offset-length": 1,
    "Send-binary-arraybufferview-uint32-offset": 1,
    "Send-binary-arraybufferview-uint8-offset-length": 1,
    "Send-binary-arraybufferview-uint8-offset": 1,
    "Send-binary-blob": 1,
    "Send-data": 1,
    "Send-null": 1,
    "Send-paired-surrogates": 1,
    "Send-unicode-data": 1,
    "Send-unpaired-surrogates": 1,
    "send-many-64K-messages-with-backpressure": 1,
  },
} as const;

type Group = keyof typeof FILES;

/** Registers tests that answer to public ones, and counts them. */
export class Answers<Name extends Group> {
  readonly #group: Name;
  readonly #counts = new Map<string, number>(); // one of the files is called constructor

  constructor(group: Name) {
    this.#group = group;
  }

  /** A test over ws and wss. */
  test(
    file: keyof typeof FILES[Name] & string,
    name: string,
    serveOne: ServeOne,
    run: (open: OpenSocket, url: string) => Promise<void>,
  ): void {
    this.#count(file);
    testSocket(`${name} (${file})`, serveOne, run);
  }

  /** A test that needs no server, for both schemes. */
  check(
    file: keyof typeof FILES[Name] & string,
    name: string,
    run: (scheme: "ws" | "wss") => void | Promise<void>,
  ): void {
    this.#count(file);
    for (const scheme of ["ws", "wss"] as const) test(`${scheme}: ${name} (${file})`, () => run(scheme));
  }

  #count(file: string): void {
    this.#counts.set(file, (this.#counts.get(file) ?? 0) + 1);
  }

  /** Registers the test that every subtest of the group has an answer. */
  end(): void {
    test(`every public test of ${this.#group} has its answers`, () => {
      assertEquals(this.#counts, new Map(Object.entries(FILES[this.#group])));
    });
  }
}
