import type { Value } from "../database/connection.js";
import type { Outcome } from "../database/audit-row.js";

/** Which entries of the audit log are wanted; all conditions have to hold. */
export interface AuditFilter {
  /** The newest so many of those that fit. */
  readonly last?: number | undefined;
  /** From this time on, and before that one. */
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
  /** One secret, as secrets are shown. */
  readonly secret?: string | undefined;
  /** The secrets whose path begins with this group. */
  readonly group?: string | undefined;
  readonly who?: string | undefined;
  /** Of the completion, where there is one. */
  readonly outcome?: Outcome | undefined;
  readonly action?: string | undefined;
  /** A part of the command, whatever its case. */
  readonly command?: string | undefined;
  /** What was recorded or completed after the log had so many rows: what is new for a follower. */
  readonly after?: number | undefined;
}

/** When a use was made: for a row that was taken in, by its writer's clock. */
export const USE_TIME = "coalesce(json_extract(a.source, '$[3]'), a.time)";

/** The filter as SQL, over `a`, a row that begins a use, and `c`, the row that completes it or nulls. */
export function filterConditions(filter: AuditFilter): { conditions: string[]; values: Value[] } {
  const conditions: string[] = [];
  const values: Value[] = [];
  const add = (condition: string, ...given: Value[]) => {
    conditions.push(condition);
    values.push(...given);
  };
  // A row is never taken in before it was written, unless a clock is wrong: the index of times counts.
  if (filter.since) add(`a.time >= ? AND ${USE_TIME} >= ?`, filter.since.toISOString(), filter.since.toISOString());
  if (filter.until) add(`${USE_TIME} < ?`, filter.until.toISOString());
  if (filter.secret !== undefined) add("a.id IN (SELECT event FROM audit_secret WHERE secret = ?)", filter.secret);
  if (filter.group !== undefined) {
    // "0" is the character behind "/". The secrets of the default group are shown without it.
    const [low, high] = [`${filter.group}/`, `${filter.group}0`];
    const isShown = filter.group === "default" ? "OR instr(secret, '/') = 0" : "";
    add(`a.id IN (SELECT event FROM audit_secret WHERE (secret >= ? AND secret < ?) ${isShown})`, low, high);
  }
  if (filter.who !== undefined) add("a.who = ?", filter.who);
  if (filter.outcome !== undefined) add("coalesce(c.outcome, a.outcome) = ?", filter.outcome);
  if (filter.action !== undefined) add("a.action = ?", filter.action);
  if (filter.command !== undefined)
    add("instr(lower(coalesce(c.command, a.command)), lower(?)) > 0", JSON.stringify(filter.command).slice(1, -1));
  if (filter.after !== undefined) {
    add("a.id IN (SELECT coalesce(completes, id) FROM audit WHERE id > ?)", filter.after);
  }
  return { conditions, values };
}
