// What Web IDL says of a class that a class of the language has not by itself.

/**
 * Converts to a number, as the language does by itself.
 *
 * @throws {TypeError} For a BigInt or a symbol.
 */
export function toNumber(value: unknown): number {
  return +(value as number); // Number() would take a BigInt
}

/** Converts to a number from 0 to 65535, as `[Clamp] unsigned short` does: what is out of it goes to its end. */
export function clampShort(value: unknown): number {
  const number = Math.min(Math.max(toNumber(value), 0), 0xffff), floor = Math.floor(number);
  if (Number.isNaN(number)) return 0;
  return number - floor === 0.5 ? floor + floor % 2 : Math.round(number);
}

/** Defines constants on a class and on its instances: they can be enumerated, and not written. */
export function defineConstants(
  Class: { readonly prototype: object },
  constants: Readonly<Record<string, number>>,
): void {
  for (const [name, value] of Object.entries(constants)) {
    for (const target of [Class, Class.prototype]) Object.defineProperty(target, name, { value, enumerable: true });
  }
}

/** Lets the attributes and methods of a class be enumerated. */
export function makeEnumerable(prototype: object): void {
  for (const name of Object.getOwnPropertyNames(prototype)) {
    if (name !== "constructor") Object.defineProperty(prototype, name, { enumerable: true });
  }
}
