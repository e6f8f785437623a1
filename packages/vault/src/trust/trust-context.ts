import type { Context } from "../context.js";
import type { Keys } from "../keys/find-key.js";
import type { BaseState } from "./base-state.js";
import { LockHistory } from "./lock-history.js";

/** What a state that is used all the same can be warned about. */
export type TrustWarning =
  | "unsigned"
  | "signer-unknown"
  | "rollback"
  | "forked"
  | "expired-state"
  | "unknown-order"
  | "unpushed-elsewhere"
  | "diverged"
  | "tampered";

/** Takes a warning: what is the matter, and what to do about it, each in whole sentences. */
export type OnTrustWarning = (kind: TrustWarning, message: string, remedy: string) => void;

/** What a vault is looked at for, where it is not used. */
export interface Inspection {
  /** The state of the branch that a change is proposed for. */
  readonly base?: BaseState | undefined;
}

/** What trust in a vault is decided by, besides the vault's own files. */
export class TrustContext {
  readonly context: Context;
  /** The vault's folder. */
  readonly root: string;
  /** The available identities: an owner's vouches for itself, an agent's file names its owner. */
  readonly keys: Keys | undefined;
  readonly history: LockHistory;
  /** Whether a vault is looked at and not used: then a signer whom nothing is known of is a finding and stops nothing. */
  readonly isInspection: boolean;
  /** A state that vouches for the next ones, where nothing else is known. */
  readonly base: BaseState | undefined;
  readonly #onWarning: OnTrustWarning;
  readonly #warned = new Set<string>();

  /** @param onWarning takes each warning once; unless given, the context does */
  constructor(context: Context, root: string, keys: Keys | undefined, onWarning?: OnTrustWarning, inspection?: Inspection) {
    this.isInspection = inspection !== undefined;
    this.base = inspection?.base;
    this.context = context;
    this.root = root;
    this.keys = keys;
    this.history = new LockHistory(context, root);
    this.#onWarning = onWarning ?? ((_kind, message, remedy) => context.warn(`${message} ${remedy}`));
  }

  /** Whether what is only suspicious is an error: with `AGENT_VAULT_STRICT` or, where that is not set, with `CI`. */
  get isStrict(): boolean {
    const isSet = (name: string) => /^(?:1|true)$/i.test(this.context.env[name] ?? "");
    return this.context.env["AGENT_VAULT_STRICT"] === undefined ? isSet("CI") : isSet("AGENT_VAULT_STRICT");
  }

  /** Warns, once for each message, also where a vault has to be verified twice. */
  warn(kind: TrustWarning, message: string, remedy: string): void {
    if (!this.#warned.has(message)) this.#onWarning(kind, message, remedy);
    this.#warned.add(message);
  }
}
