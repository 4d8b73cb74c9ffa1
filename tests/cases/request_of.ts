// The head of a row as an object, for the doors that take one.

import type { RequestHead } from "../../mod.ts";
import { trimSpace } from "../../src/http/field_values.ts";
import type { RequestRow } from "./requests_base.ts";

/** A standard `Request` with what the row's head says, which must be one that a `Request` can show. */
export function requestOf({ bytes }: RequestRow): RequestHead {
  const [start = "", ...lines] = bytes.slice(0, bytes.indexOf("\r\n\r\n")).split("\r\n");
  const [method = "", target] = start.split(" ");
  const headers = new Headers();
  for (const line of lines) {
    const colon = line.indexOf(":");
    // Trimmed, since the platform's own trimming is quadratic in white space inside
    headers.append(line.slice(0, colon), trimSpace(line, colon + 1));
  }
  const url = `http://${headers.get("host")}${target}`;
  if (!hasMethod(method)) return { method, url, headers };
  const request = new Request(url, { method, headers });
  // A runtime whose own makes a GET of a method that it does not know has such a request from elsewhere
  return request.method === method ? request : { method, url: request.url, headers };
}

/** Whether this runtime makes a `Request` of a method: Workers have a list of those that they know. */
export function hasMethod(method: string): boolean {
  try {
    return new Request("http://localhost/", { method }) !== undefined;
  } catch {
    return false;
  }
}
