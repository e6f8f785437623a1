import { flatten, openAuditLedger, type AuditEntry } from "@agent-vault/ledger";
import { refuseUnderToken } from "@agent-vault/runner";
import { loadVaultKeys, parseTime } from "@agent-vault/vault/read-only";
import { openState } from "@agent-vault/vault";
import * as z from "zod";
import { tool, type Call } from "../call/call.js";
import { requirePrincipal } from "../call/principal.js";
import { isWithin } from "../call/within-groups.js";

const MAX_ENTRIES = 200;
const DEFAULT_ENTRIES = 20;

/** `agent_vault_audit` */
export const audit = tool({
  name: "agent_vault_audit",
  title: "Show what was used",
  description:
    "Shows the audit log of this machine: when which secrets were used, by which command, how it ended, what was refused and why. " +
    "Only this agent's own uses unless all is true. It never contains values.",
  annotations: { readOnlyHint: true, openWorldHint: false, idempotentHint: true },
  input: z.strictObject({
    all: z.boolean().default(false).describe("also what others did on this machine"),
    secret: z.string().max(1024).optional().describe("only this secret"),
    outcome: z.enum(["started", "done", "denied", "failed"]).optional(),
    since: z.string().max(64).optional().describe("a date, a time, or 7d for the last seven days"),
    last: z.int().min(1).max(MAX_ENTRIES).default(DEFAULT_ENTRIES).describe("how many of the newest"),
  }),
  output: z.object({
    entries: z.array(
      z.object({
        time: z.string(),
        who: z.string().optional(),
        action: z.string(),
        outcome: z.string(),
        secrets: z.array(z.string()),
        command: z.array(z.string()).optional(),
        exit_code: z.int().optional(),
        reason: z.string().optional(),
        harness: z.string().optional(),
      }),
    ),
  }),
  async call(call, { all, since, last, ...query }) {
    const context = call.context("audit");
    refuseUnderToken(context, "read the audit log");
    const root = await call.root();
    const key = call.key(root);
    const principal = all ? undefined : await requirePrincipal(context, root, key);
    const ledger = await openAuditLedger(context, root, key);
    const time = since === undefined ? undefined : parseTime(since, context.now(), "ago");
    const isOwn = await ownUses(call, root);
    const isShown = await within(call, root);
    const found = await ledger.audit.list({
      ...query,
      since: time,
      who: all ? undefined : principal?.name,
      // Of a restricted server's entries some are left out, so there have to be more to choose from.
      last: call.policy.groups === undefined && (all || principal?.name !== undefined) ? last : undefined,
    });
    const entries = found
      .filter((entry) => isShown(entry) && (all || principal?.name !== undefined || isOwn(entry)))
      .slice(-last)
      .map(entryData);
    const text = entries.map(formatEntry).join("\n") || "No matching entries.";
    return { text, data: { entries } };
  },
});

/** A principal that the vault has no name for is told by its key. */
async function ownUses(call: Call, root: string): Promise<(entry: AuditEntry) => boolean> {
  const keys = await loadVaultKeys(call.context("audit"), root, call.key(root));
  const recipients = await Promise.all(keys.identities.map((identity) => identity.recipient()));
  return ({ identity }) => identity !== undefined && recipients.includes(identity);
}

/** Entries about secrets of groups that the server does not offer are left out. */
async function within(call: Call, root: string): Promise<(entry: AuditEntry) => boolean> {
  if (call.policy.groups === undefined) return () => true;
  const { manifest } = await openState(call.context("audit"), root, call.key(root));
  const { formatSecretPath } = await import("@agent-vault/vault");
  const names = new Set(
    [...manifest.secrets()].filter((path) => isWithin(call.policy, manifest.groupsOf(path))).map((path) => formatSecretPath(path)),
  );
  return ({ secrets = [] }) => secrets.length > 0 && secrets.every((secret) => names.has(secret));
}

function entryData(entry: AuditEntry) {
  const { exit_code, reason } = flatten(entry) as { exit_code?: number; reason?: string };
  return {
    time: entry.time,
    who: entry.who,
    action: entry.action,
    outcome: entry.completion?.outcome ?? entry.outcome,
    secrets: [...(entry.secrets ?? [])],
    command: [...(entry.completion?.command ?? entry.command ?? [])],
    exit_code,
    reason,
    harness: entry.harness,
  };
}

function formatEntry({ time, who, action, outcome, secrets, command, reason }: ReturnType<typeof entryData>): string {
  return [time, who ?? "-", action, outcome, secrets.join(", "), command.join(" "), reason].filter(Boolean).join("  ");
}
