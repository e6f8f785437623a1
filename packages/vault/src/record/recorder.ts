import type { Recipient } from "../age/recipient.js";
import type { Context } from "../context.js";
import { ERROR_CODES, VaultError } from "../errors.js";
import { identifyPrincipal, type Principal } from "../keys/principal.js";
import type { Keys } from "../keys/key-files.js";
import { classify } from "../format/layout.js";
import { formatSecretPath } from "../format/names.js";
import type { AuditAnchor } from "../lock/lock.js";
import type { VaultFiles } from "../files/vault-files.js";

/** Whose key is at work on which vault. */
export interface Actor {
  /** Absolute path of the vault's folder. */
  readonly root: string;
  /** The vault's id; `undefined` for one of agent-vault 0.1. */
  readonly vault: string | undefined;
  readonly keys: Keys;
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
  /** Where this machine's record stands with it, for the owner to sign; `undefined` where there is none. */
  readonly anchor: ({ readonly machine: string } & AuditAnchor) | undefined;
  /** Puts on record how it ended. What goes wrong with that is a warning: the change stands. */
  end(failure?: unknown): Promise<void>;
}

/**
 * Takes down who did what, in the order that makes it a record: a use before its value is released, a change before it is made. What
 * throws here keeps either from happening. The ledger is one.
 */
export interface Recorder {
  /** @throws VaultError then nothing is released */
  record(context: Context, actor: Actor, event: RecordedEvent): Promise<void>;
  /** @throws VaultError then nothing is changed */
  begin(context: Context, actor: Actor, change: RecordedChange): Promise<BegunChange>;
  /** Lets others open the record that was written last: agents whose keys are now on this machine, an owner's next key. */
  admit(recipients: readonly Recipient[]): Promise<void>;
}

/** A recorder that is loaded when the first thing goes on record. */
export function lazyRecorder(load: () => Promise<Recorder>): Recorder {
  let loaded: Promise<Recorder> | undefined;
  const recorder = () => (loaded ??= load());
  return {
    record: async (...words) => (await recorder()).record(...words),
    begin: async (...words) => (await recorder()).begin(...words),
    admit: async (recipients) => loaded && (await loaded).admit(recipients),
  };
}

/** Whether the person does without a record on this machine: `AGENT_VAULT_AUDIT=off`. */
export function isAuditOff(env: Context["env"]): boolean {
  return env["AGENT_VAULT_AUDIT"]?.toLowerCase() === "off";
}

/** Who acts, for the record. @param vault the id in the lock; `undefined` where nothing is signed */
export function actorOf(files: VaultFiles, keys: Keys, vault: string | undefined): Actor {
  return { root: files.source.root, vault, keys, principal: () => identifyPrincipal(files, keys) };
}

/** What went wrong, in the words of the record: none of our messages holds a value, and of others none is put down. */
export function formatFailure(error: unknown): string {
  return error instanceof VaultError ? `${error.message} [${error.code}]` : "Something unexpected went wrong.";
}

/** Whether it was a no, or did not work. */
export function failureOutcome({ code }: VaultError): "denied" | "failed" {
  return ["key", "refused"].includes(ERROR_CODES[code].kind) ? "denied" : "failed";
}

/** Puts on record what was refused or failed, where that can be: the refusal stands either way. */
export async function recordFailure(context: Context, actor: Actor, error: unknown, secrets?: readonly string[]): Promise<void> {
  if (!context.recorder || !(error instanceof VaultError)) return;
  try {
    await context.recorder.record(context, actor, { outcome: failureOutcome(error), secrets, reason: formatFailure(error) });
  } catch {
    // What led here says more.
  }
}

/** Puts a change on record as begun, and says where the record stands then. */
export type Begin = (actor: Actor, change: RecordedChange) => Promise<BegunChange["anchor"]>;

/** The secrets whose files are among those of a change. */
export function secretsAmong(files: ReadonlyMap<string, unknown>): string[] {
  return [...files.keys()].flatMap((file) => {
    const found = classify(file);
    return found.kind === "secret" ? [formatSecretPath(found.path)] : [];
  });
}

/**
 * Runs a change that goes on record before it is made and after.
 * @param work makes the change, and says with `begin` when it knows what it is; a change that comes to nothing need not begin
 */
export async function onRecord<T>(context: Context, work: (begin: Begin) => Promise<T>): Promise<T> {
  let begun: BegunChange | undefined;
  try {
    const result = await work(async (actor, change) => (begun = await context.recorder?.begin(context, actor, change))?.anchor);
    await begun?.end();
    return result;
  } catch (error) {
    await begun?.end(error);
    throw error;
  }
}
