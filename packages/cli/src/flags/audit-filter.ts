import { Flags } from "@oclif/core";
import { parseTime, type Context } from "@agent-vault/vault";
import type { AuditFilter, Outcome } from "@agent-vault/ledger";

/** The flags that select entries of the audit log. */
export const auditFilterFlags = {
  since: Flags.string({ description: "only entries since then: a date, a time, or an age such as 7d", helpValue: "WHEN" }),
  until: Flags.string({ description: "only entries before then", helpValue: "WHEN" }),
  secret: Flags.string({ description: "only entries about this secret", helpValue: "PATH" }),
  group: Flags.string({ description: "only entries about secrets of this group", helpValue: "GROUP" }),
  agent: Flags.string({ description: "only entries of this agent or owner", helpValue: "NAME" }),
  outcome: Flags.string({ description: "only entries with this outcome", options: ["started", "done", "denied", "failed"] }),
  action: Flags.string({ description: "only entries with this action, such as get or grant", helpValue: "ACTION" }),
  command: Flags.string({ description: "only commands that contain this text", helpValue: "TEXT" }),
};

interface FilterFlags {
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly secret?: string | undefined;
  readonly group?: string | undefined;
  readonly agent?: string | undefined;
  readonly outcome?: string | undefined;
  readonly action?: string | undefined;
  readonly command?: string | undefined;
}

/** The filter that the flags describe. @throws VaultError `INVALID_VALUE` for an invalid time */
export function auditFilter(context: Context, flags: FilterFlags): AuditFilter {
  const time = (text: string | undefined) => (text === undefined ? undefined : parseTime(text, context.now(), "ago"));
  const { since, until, agent, outcome, ...rest } = flags;
  return { since: time(since), until: time(until), who: agent, outcome: outcome as Outcome | undefined, ...rest };
}
