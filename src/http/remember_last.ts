/**
 * A pure function of a string that remembers what it gave for the last one: what nearly all requests of a server say alike
 * is looked at once.
 */
export function rememberLast<T>(compute: (text: string) => T): (text: string) => T {
  let last: string | undefined, result: T;
  return (text) => {
    if (text === last) return result;
    result = compute(text);
    last = text;
    return result;
  };
}
