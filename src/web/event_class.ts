// What the classes of events have in common. They are ours on every runtime: Node has no CloseEvent before 23, and what Bun and
// Node have for a message takes four times as long to make. They are events of the runtime, and on Deno and Bun instances of
// its own classes of these names, too.

import { EVENTS_LOAD_FETCH } from "../base/tuning.ts";

/**
 * What every event is made with.
 *
 * @example An event that can be prevented
 * ```ts
 * import { CloseEvent, type EventInit } from "@handfast/websocket/websocket";
 * import { assert } from "@std/assert";
 *
 * const init: EventInit = { cancelable: true };
 *
 * assert(new CloseEvent("close", init).cancelable);
 * ```
 */
export interface EventInit {
  /** Whether it bubbles. It makes no difference here: a WebSocket has no parent. */
  bubbles?: boolean;
  /** Whether `preventDefault()` has an effect. */
  cancelable?: boolean;
  /** Whether it crosses the borders of shadow trees. */
  composed?: boolean;
}

/**
 * What a constructor is given, checked as Web IDL does: a type, and a dictionary, for which `null` and nothing stand, too.
 *
 * @throws {TypeError} When the type is missing, or the second argument is no dictionary.
 */
export function initOfEvent<Init extends EventInit>(name: string, count: number, init: Init | null): Init | EventInit {
  if (count === 0) throw new TypeError(`Cannot make a ${name}: the type is missing`);
  if (init === null) return {};
  if (typeof init === "object" || typeof init === "function") return init;
  throw new TypeError(`Cannot make a ${name}: the second argument must be an object`);
}

/** The fields, if there are any: taking over none is faster. */
export function fieldsOf({ bubbles = false, cancelable = false, composed = false }: EventInit): EventInit | undefined {
  return bubbles || cancelable || composed ? { bubbles, cancelable, composed } : undefined;
}

/** Makes ours an instance of the runtime's class, where that is there without loading what else comes with it. */
export function derive(ours: { readonly prototype: object }, name: string): void {
  const theirs = EVENTS_LOAD_FETCH ? undefined : (globalThis as Record<string, unknown>)[name];
  if (typeof theirs === "function") Object.setPrototypeOf(ours.prototype, theirs.prototype);
  Object.defineProperty(ours.prototype, Symbol.toStringTag, { value: name, configurable: true });
}
