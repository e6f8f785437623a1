import type { Context } from "../context.js";
import { ERROR_CODES, VaultError } from "../errors.js";
import type { VaultFiles } from "../files/vault-files.js";
import { classify } from "../format/layout.js";
import { formatSecretPath } from "../format/names.js";
import type { Keys } from "../keys/keys.js";
import { identifyPrincipal } from "../keys/principal.js";
import type { Actor, BegunChange, RecordedChange, RecorderOf } from "./recorder.js";

/** Where the uses and changes of a context go on record. */
export type Recorder = RecorderOf<Context>;

/** A recorder that is loaded when the first thing goes on record. */
export function lazyRecorder(load: () => Promise<Recorder>): Recorder {
  let loaded: Promise<Recorder> | undefined;
  const recorder = () => (loaded ??= load());
  return {
    record: async (...words) => (await recorder()).record(...words),
    begin: async (...words) => (await recorder()).begin(...words),
    unlock: async (...words) => (await (await recorder()).unlock?.(...words)) ?? true,
    admit: async (recipients) => loaded && (await loaded).admit(recipients),
  };
}

/** Whether the person does without a record on this machine: `AGENT_VAULT_AUDIT=off`. */
export function isAuditOff(env: Context["env"]): boolean {
  return env["AGENT_VAULT_AUDIT"]?.toLowerCase() === "off";
}

/** Who acts, for the record. @param vault the id in the lock; `undefined` where nothing is signed */
export function actorOf(files: VaultFiles, keys: Keys, vault: string | undefined): Actor {
  return { root: files.source.root, vault, keys, judging: [files], principal: () => identifyPrincipal(files, keys) };
}

/** What went wrong, in the words of the record: none of our messages holds a value, and of others none is put down. */
export function formatFailure(error: unknown): string {
  return error instanceof VaultError ? `${error.message} [${error.code}]` : "Something unexpected went wrong.";
}

/** Whether it was a no, or did not work. */
export function failureOutcome({ code }: VaultError): "denied" | "failed" {
  return ["key", "refused"].includes(ERROR_CODES[code].kind) ? "denied" : "failed";
}

/** Puts on record what was refused or failed, where that is possible. It is refused either way. */
export async function recordFailure(context: Context, actor: Actor, error: unknown, secrets?: readonly string[]): Promise<void> {
  if (!context.recorder || !(error instanceof VaultError)) return;
  try {
    await context.recorder.record(context, actor, { outcome: failureOutcome(error), secrets, reason: formatFailure(error) });
  } catch {
    // What led here says more.
  }
}

/** Puts a change on record as begun, and resolves to the record's anchor. */
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
