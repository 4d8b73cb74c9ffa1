// What console.log() shows of an object of ours. Deno, Bun and Node all ask the object for it by the same symbol, which is
// Node's. What such a method does not name is not shown: that keeps header fields and URLs, and the credentials in them,
// out of logs.

/** The key of the method that `console.log()` calls, on every runtime. */
export const INSPECT: unique symbol = Symbol.for("nodejs.util.inspect.custom");

/** How a runtime shows a value: the last argument of a method under {@linkcode INSPECT}. */
export type Inspect = (value: unknown, options?: object) => string;

/**
 * Shows an object by some of its properties, such as `WebSocket { state: "open" }`; those that are `undefined` are left
 * out. The last three arguments are those of the method under {@linkcode INSPECT}.
 *
 * @param depth How many more levels to show; below 0 the name alone is shown.
 */
export function inspectAs(
  name: string,
  properties: Readonly<Record<string, unknown>>,
  depth: number | null | undefined,
  options: object,
  inspect: Inspect,
): string {
  if (typeof depth === "number" && depth < 0) return `[${name}]`;
  const known = Object.entries(properties).filter(([, value]) => value !== undefined);
  return `${name} ${inspect(Object.fromEntries(known), options)}`;
}
