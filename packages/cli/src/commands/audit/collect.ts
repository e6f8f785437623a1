import process from "node:process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { Args } from "@oclif/core";
import { describeTakenIn, openAuditLedger } from "@agent-vault/ledger";
import { exitCodeOf, isSegmentName, resolvePath, VaultError, type Context } from "@agent-vault/vault";
import { formatEntries } from "../../audit-entries.js";
import { keyChoice } from "../../flags/key-choice.js";
import { keyFlag } from "../../flags/common-flags.js";
import { VaultCommand } from "../../vault-command.js";

export default class AuditCollect extends VaultCommand {
  static override helpGroup = "audit" as const;
  static override summary = "Take in what other machines recorded in a spool";
  static override needsPerson = "never" as const;
  static override description =
    "Takes each row into the audit log of this machine once, however often it is collected, and leaves the files as they are. Takes files of a spool, or its folder.";
  static override examples = ["agent-vault audit collect /mnt/job-17/.agent-vault/ledger/*.spool"];
  static override strict = false;
  static override args = { files: Args.string({ description: "segments of a spool, or the folder of one", required: true }) };
  static override flags = { key: keyFlag };

  async run(): Promise<void> {
    const { argv, flags } = await this.parseCommandLine(AuditCollect);
    const files = (argv as string[]).flatMap((path) => segmentsAt(this.context, path));
    const root = await this.findVault();
    const ledger = await openAuditLedger(this.context, root, keyChoice(flags.key));
    const taken = await ledger.takeIn(root, files);
    for (const sentence of describeTakenIn(taken)) this.context.warn(sentence);
    this.print({ segments: files.length, rows: taken.rows, damaged: taken.damaged.map(({ message }) => message) }, () => [
      `Took in ${formatEntries(taken.rows)} of ${files.length} ${files.length === 1 ? "segment" : "segments"}.`,
    ]);
    if (taken.damaged.length > 0) process.exitCode = exitCodeOf("LEDGER_DAMAGED");
  }
}

function segmentsAt(context: Context, path: string): string[] {
  const file = resolvePath(context, path);
  const stat = statSync(file, { throwIfNoEntry: false });
  if (!stat)
    throw new VaultError("FILE_NOT_FOUND", `There is no file ${file}.`, { remedy: "Name a segment of a spool, or the folder ID.spool." });
  if (!stat.isDirectory()) return [file];
  const segments = readdirSync(file).filter(isSegmentName);
  return segments.toSorted().map((name) => join(file, name));
}
