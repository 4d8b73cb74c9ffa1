// Tells an event to the only listener there is, where the runtime keeps its listeners in plain sight. A dispatch by Deno's
// EventTarget looks for the ancestors that no WebSocket has, which takes a fifth of all that is done for a short message.
// Nothing is recorded here: the list is the runtime's own, so whoever adds or removes a listener, and in whatever way, is
// heeded. What else a dispatch changes is found by watching one; if anything is not as expected, the runtime dispatches.

/** A listener as the runtime keeps it. */
interface Kept {
  readonly callback: unknown;
  readonly options: { readonly once?: boolean; readonly passive?: boolean };
}

/** What the runtime keeps of a target that has had a listener. */
interface TargetData {
  readonly listeners: { readonly [type: string]: readonly Kept[] | undefined };
}

/** What it keeps of an event, and tells by the getters of these names. */
interface Attributes {
  target: EventTarget | null;
  currentTarget: EventTarget | null;
  eventPhase: number;
}

/** The keys of what a dispatch needs of a target, and changes in an event. */
interface Keys {
  readonly data: symbol;
  readonly attributes: symbol;
  readonly path: symbol;
  readonly isDispatched: symbol;
  /** Two, which `stopImmediatePropagation()` sets, and the end of the dispatch resets. */
  readonly isStopped: readonly symbol[];
  /** What stands in the path of an event while it is dispatched. */
  readonly step: object;
}

type Keyed = Record<symbol, unknown>;

const AT_TARGET = 2;
const { reportError } = globalThis as { reportError?(error: unknown): void };

/** The events of one target. */
export class OnlyListener {
  readonly #target: Keyed;
  readonly #keys: Keys;
  readonly #path: readonly object[];

  private constructor(target: EventTarget, keys: Keys) {
    this.#target = target as unknown as Keyed;
    this.#keys = keys;
    this.#path = [{ ...keys.step, item: target, target }];
  }

  static #keysOfRuntime: Keys | null | undefined;

  /** For a target, or `undefined` where the runtime keeps its listeners to itself. */
  static of(target: EventTarget): OnlyListener | undefined {
    if (this.#keysOfRuntime === undefined) this.#keysOfRuntime = findKeys() ?? null;
    return this.#keysOfRuntime ? new OnlyListener(target, this.#keysOfRuntime) : undefined;
  }

  /**
   * Does what a dispatch does, if the target has one listener of the type, and it is a function without conditions.
   *
   * @returns Whether it has done so. Otherwise nothing has happened.
   */
  tell(type: string, event: Event): boolean {
    const keys = this.#keys,
      target = this.#target,
      kept = (target[keys.data] as TargetData | undefined)?.listeners[type];
    if (kept === undefined || kept.length !== 1) return false;
    const { callback, options: { once, passive } } = kept[0]!;
    if (typeof callback !== "function" || once || passive) return false;
    const keyed = event as unknown as Keyed, attributes = keyed[keys.attributes] as Attributes, path = keyed[keys.path];
    attributes.target = attributes.currentTarget = target as unknown as EventTarget;
    attributes.eventPhase = AT_TARGET;
    keyed[keys.path] = this.#path;
    keyed[keys.isDispatched] = true;
    try {
      callback.call(target, event);
    } catch (error) {
      reportError!(error);
    }
    attributes.currentTarget = null;
    attributes.eventPhase = 0;
    keyed[keys.path] = path;
    keyed[keys.isDispatched] = keyed[keys.isStopped[0]!] = keyed[keys.isStopped[1]!] = false;
    return true;
  }
}

const keysOf = (object: object) => Object.getOwnPropertySymbols(object);
const valuesOf = (object: object) => {
  const copyOf = (value: unknown) => typeof value === "object" && value !== null ? { ...value } : value;
  return Object.fromEntries(keysOf(object).map((key) => [key, copyOf((object as Keyed)[key])])) as Keyed;
};

/** Watches a dispatch of the runtime's; `undefined` if it does anything else than is done here. */
function findKeys(): Keys | undefined {
  const target = new EventTarget(), event = new Event("probe"), before = valuesOf(event);
  let during: Keyed = {};
  const listener = () => void (during = valuesOf(event));
  target.addEventListener("probe", listener);
  target.dispatchEvent(event);
  const after = valuesOf(event), changed = keysOf(event).filter((key) => !isSame(before[key], during[key]));
  const data = keysOf(target).find((key) => {
    const kept = ((target as unknown as Keyed)[key] as Partial<TargetData> | undefined)?.listeners?.probe;
    return kept?.length === 1 && kept[0]!.callback === listener && typeof kept[0]!.options === "object";
  });
  const attributes = changed.find((key) => {
    const { currentTarget, eventPhase } = during[key] as Partial<Attributes>;
    return currentTarget === target && eventPhase === AT_TARGET;
  });
  const path = changed.find((key) => (during[key] as { 0?: { item?: unknown } })[0]?.item === target);
  const isDispatched = changed.find((key) => during[key] === true);
  const stopped = new Event("probe");
  stopped.stopImmediatePropagation();
  const isStopped = keysOf(stopped).filter((key) => (stopped as unknown as Keyed)[key] === true);
  const isKnown = data && attributes && path && isDispatched && changed.length === 3 && isStopped.length === 2 &&
    reportError;
  if (!isKnown || !isReset(before, after, attributes)) return undefined;
  return { data, attributes, path, isDispatched, isStopped, step: (during[path] as object[])[0]! };
}

/** Whether all is as before, but for the target, which an event keeps. */
function isReset(before: Keyed, after: Keyed, attributes: symbol): boolean {
  const { target: _, ...rest } = after[attributes] as Attributes,
    { target: __, ...first } = before[attributes] as Attributes;
  return Reflect.ownKeys(after).every((key) =>
    key === attributes || isSame(before[key as symbol], after[key as symbol])
  ) &&
    isSame(first, rest);
}

/** Whether two values are the same, or have the same properties. What one lacks and the other has as `undefined` is the same. */
function isSame(one: unknown, other: unknown): boolean {
  if (typeof one !== "object" || typeof other !== "object" || !one || !other) return one === other;
  const a = one as Record<string, unknown>, b = other as Record<string, unknown>;
  return Object.keys({ ...a, ...b }).every((key) => a[key] === b[key]);
}
