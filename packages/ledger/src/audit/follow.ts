import type { AuditEntry } from "./entry.js";
import type { AuditFilter } from "./filter.js";
import type { AuditLog } from "./log.js";

/** How often a follower reads the log. */
const POLL_INTERVAL_MS = 500;

/** The entries that fit, and from then on what is recorded or completed, for ever: an entry comes again when it has ended. */
export async function* followEntries(audit: AuditLog, filter: AuditFilter): AsyncGenerator<AuditEntry> {
  let seen: number | undefined;
  for (;;) {
    const { rows } = await audit.head();
    const before = seen;
    const entries = rows === before ? [] : await audit.list(before === undefined ? filter : { ...filter, last: undefined, after: before });
    // What was recorded since the look at the head may be among them.
    seen = Math.max(rows, ...entries.map(({ id, completion }) => completion?.id ?? id));
    yield* entries;
    await new Promise((resume) => void setTimeout(resume, POLL_INTERVAL_MS));
  }
}
