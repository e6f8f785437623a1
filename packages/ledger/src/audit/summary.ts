import type { Connection } from "../database/connection.js";
import { filterConditions, USE_TIME, type AuditFilter } from "./filter.js";

/** Uses and refusals of one day, secret or agent. What failed is neither. */
export interface Tally {
  readonly name: string;
  /** Uses that were made, or begun. */
  readonly uses: number;
  readonly denied: number;
  /** The time of the newest. */
  readonly last: string;
}

/** The audit log, summed up. */
export interface AuditSummary {
  readonly days: readonly Tally[];
  readonly secrets: readonly Tally[];
  readonly who: readonly Tally[];
  /** Secrets and agents of the index that no use or refusal in the audit log names. */
  readonly unusedSecrets: readonly string[];
  readonly unusedAgents: readonly string[];
}

/** What was taken in from a spool is a use only where its writer is proved; a refusal counts either way. */
const IS_CERTAIN = "coalesce(json_extract(a.source, '$[4]'), 1) = 1";

/** Sums up the uses of a period. */
export function summarize(connection: Connection, { since, until }: Pick<AuditFilter, "since" | "until">): AuditSummary {
  const { conditions, values } = filterConditions({ since, until });
  const where = ["a.completes IS NULL", ...conditions].join(" AND ");
  const secrets = tally("s.secret", "JOIN audit_secret s ON s.event = a.id");
  const who = tally("a.who");
  return {
    days: tally(`substr(${USE_TIME}, 1, 10)`, "", "name"),
    secrets,
    who,
    unusedSecrets: namesWithout(secrets, "SELECT name FROM secret ORDER BY path"),
    unusedAgents: namesWithout(who, "SELECT name FROM agent ORDER BY place"),
  };

  function tally(name: string, join = "", order = "uses DESC, name"): Tally[] {
    const outcome = "coalesce(c.outcome, a.outcome)";
    const counts = `sum(${outcome} IN ('started', 'done')) AS uses, sum(${outcome} = 'denied') AS denied, max(${USE_TIME}) AS last`;
    const counted = `(${outcome} = 'denied' OR (${outcome} <> 'failed' AND ${IS_CERTAIN}))`;
    const from = `audit a LEFT JOIN audit c ON c.completes = a.id ${join}`;
    return connection
      .all(`SELECT ${name} AS name, ${counts} FROM ${from} WHERE ${where} AND ${counted} GROUP BY ${name} ORDER BY ${order}`, ...values)
      .filter((row) => row["name"] !== null)
      .map((row) => ({
        name: String(row["name"]),
        uses: Number(row["uses"]),
        denied: Number(row["denied"]),
        last: String(row["last"]),
      }));
  }

  function namesWithout(used: readonly Tally[], sql: string): string[] {
    const names = new Set(used.filter(({ uses, denied }) => uses + denied > 0).map(({ name }) => name));
    return connection
      .all(sql)
      .map((row) => String(row["name"]))
      .filter((name) => !names.has(name));
  }
}
