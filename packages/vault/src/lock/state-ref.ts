import type { Digest } from "./digest.js";

/** A signed state of a vault, by the lock that describes it. */
export interface StateRef {
  /** Starts at 1 and grows with every state. */
  readonly sequence: number;
  /** The digest of `vault.lock`. */
  readonly lock: Digest;
}
