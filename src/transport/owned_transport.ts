import { type Transport } from "./transport.ts";

/** A transport that knows whether it has an owner. */
export interface OwnedTransport extends Transport {
  /** Whether somebody has it who has not given it back. */
  readonly inUse: boolean;
}
