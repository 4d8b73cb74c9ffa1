// The event handler attributes of a target, such as `onmessage` (HTML §8.1.8.1): each is one listener, which stands where the
// attribute was first set, and is gone while it is `null`.

/** A listener of its own for an attribute. */
interface Slot {
  handler: object;
  readonly listener: (event: { preventDefault(): void }) => unknown;
}

const { addEventListener, removeEventListener } = EventTarget.prototype;

/** The attributes of one target. */
export class EventHandlers {
  readonly #target: EventTarget;
  readonly #slots: Record<string, Slot | undefined> = {};

  constructor(target: EventTarget) {
    this.#target = target;
  }

  /** The handler for events of a type, or `null`. */
  get(type: string): object | null {
    return this.#slots[type]?.handler ?? null;
  }

  /** Sets it. What is no object becomes `null`; an object that can't be called stays, and nothing is called. */
  set(type: string, value: unknown): void {
    const slot = this.#slots[type];
    if (typeof value !== "function" && (typeof value !== "object" || value === null)) {
      if (slot) removeEventListener.call(this.#target, type, slot.listener);
      this.#slots[type] = undefined;
    } else if (slot) slot.handler = value;
    else this.#add(type, value);
  }

  #add(type: string, handler: object): void {
    const target = this.#target; // on Node, an event forgets its own behind the first listener
    const slot: Slot = {
      handler,
      listener(event) {
        if (typeof slot.handler !== "function") return undefined;
        const result = Reflect.apply(slot.handler, target, [event]);
        if (result === false) event.preventDefault();
        return result; // a promise: Node and Bun report it when a listener's rejects
      },
    };
    this.#slots[type] = slot;
    addEventListener.call(this.#target, type, slot.listener);
  }
}

/** Defines the attributes `on…` of a class, for events of these types. */
export function defineHandlers<Target extends object>(
  prototype: Target,
  types: readonly string[],
  handlersOf: (target: Target) => EventHandlers,
): void {
  for (const type of types) {
    Object.defineProperty(prototype, `on${type}`, {
      get(this: Target) {
        return handlersOf(this).get(type);
      },
      set(this: Target, value: unknown) {
        handlersOf(this).set(type, value);
      },
      configurable: true,
    });
  }
}
