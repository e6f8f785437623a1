import { confirmOwnersCommand } from "@agent-vault/runner";
import { detectHarness, findVault, openVault, recordFailure, type Context, type Recorder } from "@agent-vault/vault";

/** What a command does with an owner's authority, as a clause that follows "which". */
const OWNERS_ACTS = {
  signs: "signs for the vault",
  mints: "hands out authority",
  "hands-out-key": "hands out a key",
} as const;
/** One of what an owner alone may do. */
export type OwnersAct = keyof typeof OWNERS_ACTS;

/** Whether a command takes a person's yes under a coding agent: for what it does, only in cases that it asks about itself, or never. */
export type PersonNeeded = OwnersAct | "sometimes" | "never";

/** Arguments and flags whose values may be secret. */
const HIDDEN: ReadonlySet<string> = new Set(["value", "token"]);

/** The words of a command line as they are shown: no value of an argument or flag that may be secret is among them. */
export function shownWords(id: string, args: Readonly<Record<string, unknown>>, flags: Readonly<Record<string, unknown>>): string[] {
  const value = (name: string, given: unknown) => (HIDDEN.has(name) && given !== "-" ? "…" : String(given));
  const words = (name: string, given: unknown, shown: (text: string) => string[]): string[] =>
    given === undefined || given === false ? [] : given === true ? [`--${name}`] : [given].flat().flatMap((one) => shown(value(name, one)));
  return [
    "agent-vault",
    ...id.split(" "),
    ...Object.entries(args).flatMap(([name, given]) => words(name, given, (text) => [text])),
    ...Object.entries(flags).flatMap(([name, given]) => words(name, given, (text) => [`--${name}`, text])),
  ];
}

/**
 * Has a person say yes to a command where a coding agent seems to have started it. A refusal goes on record.
 * @returns the context to go on with, in which the yes goes on record with what is done
 * @throws VaultError `APPROVAL_DENIED`, `APPROVAL_UNAVAILABLE`
 */
export async function requirePerson(context: Context, act: OwnersAct, words: readonly string[]): Promise<Context> {
  const harness = detectHarness(context.env);
  if (harness === undefined) return context;
  try {
    await confirmOwnersCommand(context, { does: OWNERS_ACTS[act], words, harness, folder: context.cwd });
  } catch (error) {
    await recordRefusal(context, error);
    throw error;
  }
  return context.recorder ? { ...context, recorder: noting(context.recorder, "Approved once, by a person at a dialog.") } : context;
}

async function recordRefusal(context: Context, error: unknown): Promise<void> {
  try {
    const { actor } = await openVault(context, findVault(context), "files", { quiet: true });
    if (actor) await recordFailure(context, actor, error);
  } catch {
    // There is no vault yet, or none that can be opened: the refusal says more.
  }
}

/** A recorder that puts a sentence beside all that it records. */
function noting(recorder: Recorder, sentence: string): Recorder {
  return {
    record: (context, actor, event) =>
      recorder.record(context, actor, { ...event, reason: [event.reason, sentence].filter(Boolean).join(" ") }),
    begin: (context, actor, change) => recorder.begin(context, actor, { ...change, what: `${change.what}. ${sentence}` }),
    admit: (recipients) => recorder.admit(recipients),
  };
}
