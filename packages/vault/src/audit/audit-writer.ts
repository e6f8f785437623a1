import { parseRecipient, type Recipient } from "../age/recipient.js";
import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import type { VaultState } from "../files/vault-state.js";
import { openVault } from "../reading/open-vault.js";
import { tidyEvent, type AuditEvent } from "../record/audit-event.js";
import type { Actor } from "../record/recorder.js";
import { spoolFolder } from "../spool/spool-folder.js";
import { SpoolWriter, type SegmentAccess } from "../spool/spool-writer.js";
import { auditLine, otlpBody, type NamedRow } from "./audit-line.js";
import { requireAllowedSink, type OtherSink } from "./audit-sink.js";
import { recordId } from "./record-id.js";

/** Takes rows of the audit log where there is no database. */
export interface AuditWriter {
  /**
   * Writes a row. When this resolves, it is where it belongs, and only then may a value be released.
   * @param completes the row that this one completes
   * @returns what names the row
   * @throws VaultError `LEDGER_UNAVAILABLE`, `UNWRITABLE`, `DISK_FULL`, `LEDGER_FOLDER`: then nothing is on record
   */
  write(event: AuditEvent, completes?: string): Promise<string>;
}

/** Segments are kept for as long as the process lives: by folder and identity. */
const spools = new Map<string, SpoolWriter>();

/**
 * A writer for the place that `AGENT_VAULT_AUDIT` names.
 * @throws VaultError `LEDGER_UNAVAILABLE` where the vault's owner does not accept it
 */
export async function openAuditWriter(context: Context, actor: Actor, sink: OtherSink): Promise<AuditWriter> {
  await requireAllowedSink(actor, sink.kind);
  const { recordVault } = await import("./record-vault.js");
  const vault = recordVault(actor);
  const rowOf = (event: AuditEvent, completes: string | undefined) => ({
    time: context.now().toISOString(),
    completes,
    event: tidyEvent(event),
  });
  if (sink.kind === "spool") {
    const spool = await spoolOf(context, actor, vault);
    return { write: (event, completes) => spool.append(rowOf(event, completes)) };
  }
  const send = await senderFor(context, sink);
  return {
    write: async (event, completes) => {
      const id = recordId(context);
      await send({ ...rowOf(event, completes), id, vault });
      return id;
    },
  };
}

async function senderFor(
  context: Context,
  sink: Exclude<OtherSink, { readonly kind: "spool" }>,
): Promise<(row: NamedRow) => Promise<void> | void> {
  if (sink.kind === "otlp") {
    const { sendToCollector } = await import("./otlp-request.js");
    return (row) => sendToCollector(context, otlpBody(row));
  }
  const { appendLine, writeToStandardError } = await import("./write-line.js");
  return sink.kind === "file" ? (row) => appendLine(sink.path, auditLine(row)) : (row) => writeToStandardError(auditLine(row));
}

async function spoolOf(context: Context, actor: Actor, vault: string): Promise<SpoolWriter> {
  const recipient = await actor.keys.identities[0]!.recipient();
  const key = `${spoolFolder(context, vault)}\0${recipient}`;
  let spool = spools.get(key);
  if (!spool) spools.set(key, (spool = new SpoolWriter(context, vault, () => accessOf(context, actor))));
  return spool;
}

/** @throws VaultError `LEDGER_UNAVAILABLE` where there is no owner to encrypt to */
async function accessOf(context: Context, { root, keys }: Actor): Promise<SegmentAccess> {
  const ownersOf = (state: VaultState): Recipient[] => state.owners.map(({ recipient }) => recipient);
  const { files } = await openVault(context, root, "state", { keys, read: (state) => void ownersOf(state), quiet: true });
  const owners = ownersOf(files);
  const identity = keys.identities[0]!;
  const recipient = await identity.recipient();
  if (owners.length === 0) {
    throw new VaultError("LEDGER_UNAVAILABLE", "The vault names no owner, so nobody could read the spool.", {
      remedy: "Have an owner run agent-vault verify, and put the vault in order.",
    });
  }
  const own = parseRecipient(recipient);
  const isOther = own.kind === owners[0]!.kind && !owners.some(({ text }) => text === recipient);
  return { recipients: isOther ? [...owners, own] : owners, identity, recipient };
}
