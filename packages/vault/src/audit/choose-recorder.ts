import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import { formatFailure, type Recorder } from "../record/on-record.js";
import type { Actor, RecordedChange, RecordedEvent } from "../record/recorder.js";
import { requesterOf } from "../record/requester.js";
import { disabledRecorder } from "../record/unrecorded-uses.js";
import { auditSink, requireAllowedSink, type OtherSink } from "./audit-sink.js";
import type { AuditWriter } from "./audit-writer.js";

/**
 * The recorder for what `AGENT_VAULT_AUDIT` says. What it says wrongly is an error of the first thing that would go on record.
 * @param action what is done: `get`, `grant`
 * @param ledger makes the recorder of the ledger
 */
export function chooseRecorder(context: Pick<Context, "cwd" | "env">, action: string, ledger: () => Recorder): Recorder {
  try {
    const sink = auditSink(context);
    if (sink.kind === "off") return offRecorder;
    return sink.kind === "ledger" ? ledger() : sinkRecorder(action, sink);
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    const refuse = async () => {
      throw error;
    };
    return { record: refuse, begin: refuse, admit: async () => {} };
  }
}

/** Records nothing, where the vault's owner lets it. */
const offRecorder: Recorder = {
  record: async (context, actor, event) => {
    if (event.outcome === "done") await requireAllowedSink(actor, "off");
    await disabledRecorder.record(context, actor, event);
  },
  begin: async (context, actor, change) => {
    await requireAllowedSink(actor, "off");
    return disabledRecorder.begin(context, actor, change);
  },
  admit: async () => {},
};

/** Records in another place than the ledger. Its changes have no anchor, as there is no chain to sign. */
export function sinkRecorder(action: string, sink: OtherSink): Recorder {
  const open = async (context: Context, actor: Actor) => (await import("./audit-writer.js")).openAuditWriter(context, actor, sink);
  return {
    record: async (context, actor, event) => {
      const writer = await openOr(() => open(context, actor));
      await append(writer, context, actor, action, event);
    },
    begin: async (context, actor, change) => {
      const writer = await openOr(() => open(context, actor));
      const row = await append(writer, context, actor, action, startOf(change));
      return { anchor: undefined, end: (failure) => complete(writer, context, actor, action, row, failure) };
    },
    admit: async () => {},
  };
}

function startOf({ secrets, what }: RecordedChange): Omit<RecordedEvent, "outcome"> & { readonly outcome: "started" } {
  return { outcome: "started", secrets, reason: what.replace(/^agent-vault: /, "") };
}

async function append(
  writer: AuditWriter,
  context: Context,
  actor: Actor,
  action: string,
  event: Omit<RecordedEvent, "outcome"> & { readonly outcome: RecordedEvent["outcome"] | "started" },
): Promise<string> {
  const requester = await requesterOf(context, actor);
  return openOr(() => writer.write({ action, ...requester, ...event, identity: event.identity ?? requester.identity }));
}

async function complete(writer: AuditWriter, context: Context, actor: Actor, action: string, row: string, failure: unknown): Promise<void> {
  try {
    const { who, identity } = await requesterOf(context, actor);
    const outcome = failure === undefined ? "done" : "failed";
    await writer.write({ action, who, identity, outcome, reason: failure === undefined ? undefined : formatFailure(failure) }, row);
  } catch (error) {
    context.warn(`The end of this operation could not be recorded: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function openOr<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw notRecorded(error);
  }
}

/** The error for a use that could not be recorded and so was not made; it says how to go on. */
export function notRecorded(error: unknown): unknown {
  if (!(error instanceof VaultError)) return error;
  const isFolder = ["UNWRITABLE", "DISK_FULL", "LEDGER_FOLDER"].includes(error.code);
  const elsewhere = isFolder
    ? "Nothing was done, because it could not be recorded. Set AGENT_VAULT_HOME to a folder that can be written, or AGENT_VAULT_AUDIT to otlp, stderr or file:PATH; to go without an audit log, set AGENT_VAULT_AUDIT=off."
    : "Nothing was done, because it could not be recorded. To go without an audit log, set AGENT_VAULT_AUDIT=off.";
  const remedy = error.remedy?.includes("AGENT_VAULT_AUDIT") ? error.remedy : [error.remedy, elsewhere].filter(Boolean).join(" ");
  return new VaultError(error.code, error.message, { remedy, cause: error });
}
