import { Flags } from "@oclif/core";
import { parseTime, type Context } from "@agent-vault/vault";
import type { AuditFilter, Outcome } from "@agent-vault/ledger";

/** What the entries of an audit log are chosen by, the same for all that print or send them. */
export const auditFilterFlags = {
  since: Flags.string({ description: "from this time on: a date, a time, or 7d for the last seven days", helpValue: "WHEN" }),
  until: Flags.string({ description: "before this time", helpValue: "WHEN" }),
  secret: Flags.string({ description: "only this secret", helpValue: "PATH" }),
  group: Flags.string({ description: "only secrets whose path begins with this group" }),
  agent: Flags.string({ description: "only what this agent or owner did", helpValue: "NAME" }),
  outcome: Flags.string({ description: "only what ended like this", options: ["started", "done", "denied", "failed"] }),
  action: Flags.string({ description: "only this action, such as get or grant" }),
  command: Flags.string({ description: "only commands with this text in them", helpValue: "TEXT" }),
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

/** @throws VaultError `INVALID_VALUE` for what is no time */
export function auditFilter(context: Context, flags: FilterFlags): AuditFilter {
  const time = (text: string | undefined) => (text === undefined ? undefined : parseTime(text, context.now(), "ago"));
  const { since, until, agent, outcome, ...rest } = flags;
  return { since: time(since), until: time(until), who: agent, outcome: outcome as Outcome | undefined, ...rest };
}
