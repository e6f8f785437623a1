import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Context } from "../context.js";
import type { Recorder } from "./on-record.js";

/** What was done on a machine that has a record, while that was off. */
export interface UnrecordedPeriod {
  /** RFC 3339, UTC: the first and the last time. */
  readonly since: string;
  readonly until: string;
  readonly count: number;
}

/** The folder of all records of a person on this machine. */
export const ledgerFolder = (context: Context): string => join(context.home, "ledger");
const unrecordedFile = (context: Context, vault: string): string => join(ledgerFolder(context), `${vault}.unrecorded`);

/**
 * The recorder of a person who does without a record (`AGENT_VAULT_AUDIT=off`). On a machine that has one it leaves a note of how
 * often, so that the audit log can say so later. The count is a hint: anybody who can write to the folder can change it.
 */
export const disabledRecorder: Recorder = {
  record: async (context, { vault }) => countUnrecordedUse(context, vault),
  begin: async (context, { vault }) => {
    countUnrecordedUse(context, vault);
    return { anchor: undefined, end: async () => {} };
  },
  admit: async () => {},
};

function countUnrecordedUse(context: Context, vault: string | undefined): void {
  if (vault === undefined || !existsSync(join(ledgerFolder(context), `${vault}.db`))) return;
  const now = context.now().toISOString();
  const { since, count } = readUnrecordedPeriod(context, vault) ?? { since: now, count: 0 };
  try {
    writeFileSync(unrecordedFile(context, vault), JSON.stringify({ since, until: now, count: count + 1 } satisfies UnrecordedPeriod), {
      mode: 0o600,
    });
  } catch {
    // AGENT_VAULT_AUDIT=off is for machines on which nothing can be written, so this is no error.
  }
}

/** What was done since the record was turned off, as far as it is known. @param vault its id */
export function readUnrecordedPeriod(context: Context, vault: string): UnrecordedPeriod | undefined {
  try {
    const { since, until, count } = JSON.parse(readFileSync(unrecordedFile(context, vault), "utf8")) as Record<string, unknown>;
    const isTime = (text: unknown) => typeof text === "string" && /^\d{4}-\d\d-\d\dT[\d:.]{8,12}Z$/.test(text);
    return isTime(since) && isTime(until) && Number.isSafeInteger(count)
      ? { since: since as string, until: until as string, count: count as number }
      : undefined;
  } catch {
    return undefined;
  }
}

/** Forgets the note, once it is on record. */
export function clearUnrecordedPeriod(context: Context, vault: string): void {
  rmSync(unrecordedFile(context, vault), { force: true });
}
