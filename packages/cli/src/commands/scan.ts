import process from "node:process";
import { Flags } from "@oclif/core";
import { allowFindings, scanFiles, scanIndex, scanRange, scanStaged, type ScanFinding } from "@agent-vault/hooks";
import { exitCodeOf, plural, VaultError } from "@agent-vault/vault/read-only";
import { formatScanFindings } from "../findings/scan-findings.js";
import { argument } from "../flags/common-flags.js";
import { VaultCommand } from "../vault-command.js";

export default class Scan extends VaultCommand {
  static override helpGroup = "git" as const;
  static override summary = "Find private keys in files";
  static override needsPerson = "never" as const;
  static override description =
    "Scans all files in git's index, or the files that you name, tracked or not, or all that a range of commits adds, with their messages. In a vault, it also finds files that do not belong there. Exits with 5 if anything is found.";
  static override examples = [
    "agent-vault scan",
    "agent-vault scan --staged",
    "agent-vault scan --range origin/main..HEAD",
    "agent-vault scan fixtures --allow",
  ];
  static override strict = false;
  static override args = { path: argument({ description: "files and folders to scan, in place of the index" }) };
  static override flags = {
    staged: Flags.boolean({ description: "only what the next commit adds or changes, as the pre-commit hook does" }),
    range: Flags.string({
      description: "what the commits from BASE on add, and their messages, for CI; allowed is what BASE allows",
      helpValue: "BASE..HEAD",
    }),
    allow: Flags.boolean({ description: "add the findings to .agent-vault-allow, as known test keys" }),
  };
  static override completes = { path: "files" } as const;
  static override allowsToken = true;

  async run(): Promise<void> {
    const { argv, flags } = await this.parseCommandLine(Scan);
    const paths = argv as string[];
    const { staged, range } = flags;
    if ([staged, range !== undefined, paths.length > 0].filter(Boolean).length > 1)
      throw new VaultError("USAGE", "Give one of PATH, --staged and --range.");
    const findings = range === undefined ? await this.#scan(paths, staged) : await scanRange(this.context, this.context.cwd, range);
    if (flags.allow) return this.#allow(findings);
    if (findings.length > 0) process.exitCode = exitCodeOf("KEY_MATERIAL");
    const lines = await formatScanFindings(this.context, findings);
    this.print(findings, function* () {
      yield* lines;
      if (findings.length === 0 && range !== undefined) yield `No keys found in ${range}.`;
      else if (findings.length === 0 && !staged)
        yield paths.length > 0
          ? `No keys found in ${paths.join(", ")}, tracked or not.`
          : "No keys found in git's index, which has all tracked files as staged. Scan untracked files with agent-vault scan .";
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
      yield allowed.length === 0 ? "Nothing to allow." : `Allowed ${plural(allowed.length, "key")} in ${file}. Commit that file.`;
      for (const { message } of refused) yield `Cannot be allowed: ${message}`;
    });
  }
}
