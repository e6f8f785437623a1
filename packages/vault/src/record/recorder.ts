import type { Recipient } from "../age/recipient.js";
import type { Keys, Principal } from "../keys/keys.js";
import type { AuditAnchor } from "../lock/lock.js";

/** Whose key is at work on which vault. */
export interface Actor {
  /** Absolute path of the vault's folder. */
  readonly root: string;
  /** The vault's id; `undefined` for one of agent-vault 0.1. */
  readonly vault: string | undefined;
  readonly keys: Keys;
  /** The files whose rules judge what is done, verified where they are signed: those that are used, and those of the vault's main branch. */
  readonly judging: readonly { read(file: string): Uint8Array | undefined }[];
  /** Worked out when it is asked for. */
  principal(): Promise<Principal>;
}

/** What was done or refused, as it goes on record. No field ever holds a value. */
export interface RecordedEvent {
  readonly outcome: "done" | "denied" | "failed";
  /** As secrets are shown. */
  readonly secrets?: readonly string[] | undefined;
  /** What stood for the key: the id of a token. */
  readonly identity?: string | undefined;
  /** What its asker decided beside the secrets, a text each. */
  readonly request?: readonly string[] | undefined;
  readonly reason?: string | undefined;
}

/** What is about to be changed. */
export interface RecordedChange {
  /** The secrets whose values or readers change. */
  readonly secrets: readonly string[];
  /** In words, as the commit has them. */
  readonly what: string;
}

/** A change of the vault that is on record as begun. */
export interface BegunChange {
  /** The anchor of this machine's record, for the owner to sign; `undefined` where there is none. */
  readonly anchor: ({ readonly machine: string } & AuditAnchor) | undefined;
  /** Puts on record how it ended. A failure of that is a warning: the change is kept. */
  end(failure?: unknown): Promise<void>;
}

/**
 * Takes down who did what, in the order that makes it a record: a use before its value is released, a change before it is made. What
 * throws here keeps either from happening. The ledger is one.
 */
export interface RecorderOf<Context> {
  /** @throws VaultError then nothing is released */
  record(context: Context, actor: Actor, event: RecordedEvent): Promise<void>;
  /** @throws VaultError then nothing is changed */
  begin(context: Context, actor: Actor, change: RecordedChange): Promise<BegunChange>;
  /**
   * Asks a person now for what opens the record, so that nobody waits for them while the vault is changed. Absent where no person is asked.
   * @param mayAsk whether they may be asked now
   * @returns whether nothing is left to ask
   * @throws VaultError as `begin`
   */
  unlock?(context: Context, actor: Pick<Actor, "root" | "vault" | "keys">, mayAsk: boolean): Promise<boolean>;
  /** Lets others open the record that was written last: agents whose keys are now on this machine, an owner's next key. */
  admit(recipients: readonly Recipient[]): Promise<void>;
}
