import process from "node:process";
import { Flags } from "@oclif/core";
import { allowFindings, scanFiles, scanIndex, scanStaged, type ScanFinding } from "@agent-vault/hooks";
import { exitCodeOf } from "@agent-vault/vault/read-only";
import { findingsInWords } from "../findings/print-scan-findings.js";
import { VaultCommand, word } from "../vault-command.js";

export default class Scan extends VaultCommand {
  static override id = "scan";
  static override description =
    "Look for private keys, and in vaults for files that do not belong there: in all of git's index, or in the files named, tracked or not. Exits with 5 where there are any.";
  static override examples = ["agent-vault scan", "agent-vault scan --staged", "agent-vault scan fixtures --allow"];
  static override strict = false;
  static override args = { path: word({ description: "files and folders of the work tree, instead of the index" }) };
  static override flags = {
    staged: Flags.boolean({ description: "only what the next commit adds or changes, as the pre-commit check does" }),
    allow: Flags.boolean({ description: "enter what is found in .agent-vault-allow, as known test keys" }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.words(Scan);
    const paths = argv as string[];
    const findings = await this.#scan(paths, flags.staged);
    if (flags.allow) return this.#allow(findings);
    if (findings.length > 0) process.exitCode = exitCodeOf("KEY_MATERIAL");
    const words = await findingsInWords(this.context, findings);
    this.print(findings, function* () {
      yield* words;
      if (findings.length === 0 && !flags.staged)
        yield paths.length > 0
          ? `No key material found in ${paths.join(", ")}, tracked or not.`
          : "No key material found in git's index: all tracked files, as they are staged. Untracked files: agent-vault scan .";
    });
  }

  #scan(paths: readonly string[], staged: boolean): Promise<ScanFinding[]> {
    if (staged) return scanStaged(this.context, this.context.cwd);
    return paths.length > 0 ? scanFiles(this.context, paths) : scanIndex(this.context, this.context.cwd);
  }

  async #allow(found: readonly ScanFinding[]): Promise<void> {
    const { file, allowed, refused } = await allowFindings(this.context, this.context.cwd, found);
    if (refused.length > 0) process.exitCode = exitCodeOf("KEY_MATERIAL");
    this.print({ file, allowed, refused }, function* () {
      yield allowed.length === 0 ? "Nothing new to allow." : `Allowed ${allowed.length} in ${file}; commit that file.`;
      for (const { message } of refused) yield `Cannot be allowed: ${message}`;
    });
  }
}
