import process from "node:process";
import { Flags } from "@oclif/core";
import { openAuditLedger, type Tally } from "@agent-vault/ledger";
import { openState, parseTime, andMore } from "@agent-vault/vault";
import { keyChoice } from "../../flags/key-choice.js";
import { table } from "../../terminal/table.js";
import { keyFlag } from "../../flags/common-flags.js";
import { VaultCommand } from "../../vault-command.js";

/** Characters of the longest bar. */
const MAX_BAR = 30;
/** Rows of each table. */
const MAX_ROWS = 20;

export default class AuditSummary extends VaultCommand {
  static override helpGroup = "audit" as const;
  static override summary = "Summarize the audit log";
  static override needsPerson = "never" as const;
  static override description = "Shows uses by day, secret and agent, what was denied, and which secrets and agents were not used.";
  static override flags = {
    key: keyFlag,
    since: Flags.string({ description: "only uses since then: a date, a time, or an age such as 7d", default: "30d", helpValue: "WHEN" }),
    until: Flags.string({ description: "only uses before then", helpValue: "WHEN" }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parseCommandLine(AuditSummary);
    const root = await this.findVault();
    const key = keyChoice(flags.key);
    const time = (text: string) => parseTime(text, this.context.now(), "ago");
    const ledger = await openAuditLedger(this.context, root, key);
    await ledger.index.refresh(await openState(this.context, root, key));
    const summary = await ledger.audit.summary({
      since: time(flags.since),
      until: flags.until === undefined ? undefined : time(flags.until),
    });
    this.print(summary, function* () {
      yield* section("DAY", summary.days);
      yield "";
      yield* section("SECRET", summary.secrets);
      yield "";
      yield* section("WHO", summary.who);
      yield* unused("Unused secrets", summary.unusedSecrets);
      yield* unused("Agents without uses", summary.unusedAgents);
    });
  }
}

/** A table of counts, with bars on a terminal. */
function section(title: string, tallies: readonly Tally[]): string[] {
  const most = Math.max(1, ...tallies.map(({ uses }) => uses));
  const bars = process.stdout.isTTY;
  const rows = tallies
    .slice(0, MAX_ROWS)
    .map(({ name, uses, denied, last }) => [
      name,
      String(uses),
      String(denied),
      last.slice(0, 16).replace("T", " "),
      ...(bars ? ["█".repeat(Math.max(1, Math.round((uses / most) * MAX_BAR)))] : []),
    ]);
  const lines = table([title, "USES", "DENIED", "LAST", ...(bars ? [""] : [])], rows, `No uses by ${title.toLowerCase()}.`);
  return tallies.length > MAX_ROWS ? [...lines, `and ${tallies.length - MAX_ROWS} more (--json has them all)`] : lines;
}

function* unused(what: string, names: readonly string[]): Generator<string> {
  if (names.length === 0) return;
  yield "";
  yield `${what}: ${andMore(names, MAX_ROWS)}`;
}
