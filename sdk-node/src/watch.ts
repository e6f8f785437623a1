import type { VaultError } from "./errors.js";

/** What has changed: a new value was set; the key gained or lost the secret; the secret is gone. */
export interface SecretChange {
  readonly path: string;
  readonly kind: "value" | "granted" | "revoked" | "deleted";
}

/** How a watch looks, how it ends and who hears of its failures; the interval is in milliseconds. */
export interface WatchOptions {
  /** Ends the watch. */
  readonly signal?: AbortSignal;
  /** How often the local files are looked at, in milliseconds; 1000 unless set. The remote is asked at the vault's `pull_interval`. */
  readonly interval?: number;
  /** Whether the watch keeps the process alive; `true` unless set. */
  readonly persistent?: boolean;
  /** Takes what keeps the watch from knowing, such as a failed verification, once until it passes; without it that is a process warning. */
  readonly onError?: (error: VaultError) => unknown;
}

/** A watch that goes on until it is closed. */
export class Watch {
  readonly #end: () => void;

  constructor(end: () => void) {
    this.#end = end;
  }

  close(): void {
    this.#end();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
