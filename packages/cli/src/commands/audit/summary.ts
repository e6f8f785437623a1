import process from "node:process";
import { Flags } from "@oclif/core";
import { openLedgerAt, type Tally } from "@agent-vault/ledger";
import { openState, parseTime, andMore } from "@agent-vault/vault";
import { keyChoice } from "../../flags/key-choice.js";
import { table } from "../../terminal/table.js";
import { keyFlag } from "../../flags/common-flags.js";
import { VaultCommand } from "../../vault-command.js";

/** Of the longest bar, in characters. */
const BAR = 30;
const MOST = 20;

export default class AuditSummary extends VaultCommand {
  static override helpGroup = "audit" as const;
  static override summary = "Summarize the audit log";
  static override description = "Shows uses by day, secret and agent, what was denied, and which secrets and agents were not used.";
  static override flags = {
    key: keyFlag,
    since: Flags.string({ description: "from this time on: a date, a time, or 7d; 30d unless given", default: "30d", helpValue: "WHEN" }),
    until: Flags.string({ description: "before this time", helpValue: "WHEN" }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parseCommandLine(AuditSummary);
    const root = await this.findVault();
    const key = keyChoice(flags.key);
    const time = (text: string) => parseTime(text, this.context.now(), "ago");
    const ledger = await openLedgerAt(this.context, root, key);
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
      yield* unused("Secrets that nobody used", summary.unusedSecrets);
      yield* unused("Agents that used nothing", summary.unusedAgents);
    });
  }
}

/** A table of counts, with bars where a person looks at it. */
function section(title: string, tallies: readonly Tally[]): string[] {
  const most = Math.max(1, ...tallies.map(({ uses }) => uses));
  const bars = process.stdout.isTTY;
  const rows = tallies
    .slice(0, MOST)
    .map(({ name, uses, denied, last }) => [
      name,
      String(uses),
      String(denied),
      last.slice(0, 16).replace("T", " "),
      ...(bars ? ["█".repeat(Math.max(1, Math.round((uses / most) * BAR)))] : []),
    ]);
  const lines = table([title, "USES", "DENIED", "LAST", ...(bars ? [""] : [])], rows, `No uses by ${title.toLowerCase()}.`);
  return tallies.length > MOST ? [...lines, `and ${tallies.length - MOST} more (--json has them all)`] : lines;
}

function* unused(what: string, names: readonly string[]): Generator<string> {
  if (names.length === 0) return;
  yield "";
  yield `${what}: ${andMore(names, MOST)}`;
}
