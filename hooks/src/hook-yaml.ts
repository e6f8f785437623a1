import { lstatSync, readFileSync, statSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import type * as yamlModule from "yaml";
import { replaceFile } from "@agent-vault/vault/read-only";
import { BLOCK_BEGIN, BLOCK_END, scan } from "./hook-script.js";
import { findBlock, insertBlock, lineStart, removeBlock } from "./marked-block.js";

/** A hook manager that is configured in YAML. */
export type Manager = "lefthook" | "pre-commit";

const SCAN = scan(true).join("\n");
const LEFTHOOK_JOB = { run: `${SCAN}\n` };
const PRE_COMMIT_REPOSITORY = {
  repo: "local",
  hooks: [
    {
      id: "agent-vault",
      name: "agent-vault scan",
      // No shell runs an entry by itself; its words are split as a shell would, and nothing in the script is a single quote.
      entry: `sh -c '\n${SCAN}'\n`,
      language: "system",
      pass_filenames: false,
      always_run: true,
      stages: ["pre-commit"],
    },
  ],
};

/** What a person adds by hand to a configuration that is not in YAML, or in an unusual form of it. */
export function manualJob(manager: Manager, file: string): string {
  if (manager === "pre-commit")
    return "repos:\n- repo: local\n  hooks:\n  - id: agent-vault\n    name: agent-vault scan\n    entry: agent-vault scan --staged\n    language: system\n    pass_filenames: false\n    always_run: true\n";
  if (file.endsWith(".toml")) return '[pre-commit.commands.agent-vault]\nrun = "agent-vault scan --staged"\n';
  if (/\.jsonc?$/.test(file))
    return `${JSON.stringify({ "pre-commit": { commands: { "agent-vault": { run: "agent-vault scan --staged" } } } }, null, 2)}\n`;
  return "pre-commit:\n  commands:\n    agent-vault:\n      run: agent-vault scan --staged\n";
}

/** Whether the job is in the configuration of a hook manager. */
export function isInstalledInYaml(file: string): boolean {
  return statSync(file).isFile() && findBlock(readFileSync(file, "utf8")) !== undefined;
}

/**
 * Adds the job as lines of text, so that comments and layout stay, and checks that the file then means what it meant and the job.
 * @returns false, with nothing written, where that cannot be done by adding lines.
 */
export async function installInYaml(manager: Manager, file: string): Promise<boolean> {
  // A link may have been committed: what it leads to, perhaps at home, is not to be copied into the repository.
  if (!lstatSync(file).isFile()) return false;
  const bytes = readFileSync(file);
  const present = bytes.toString("utf8");
  if (!Buffer.from(present, "utf8").equals(bytes)) return false;
  const block = findBlock(present);
  const text = await withJob(manager, block ? removeBlock(present, block) : present);
  if (text === undefined) return false;
  if (text !== present) replaceFile(file, text, { mode: statSync(file).mode & 0o777 });
  return true;
}

/** Takes the job out again; the file is then as it was before. */
export function uninstallFromYaml(file: string): void {
  if (!lstatSync(file).isFile()) return;
  const text = readFileSync(file, "utf8");
  const block = findBlock(text);
  if (block) replaceFile(file, removeBlock(text, block), { mode: statSync(file).mode & 0o777 });
}

/** Lines to add, where, and what the whole file then says. */
interface Addition {
  /** The node that the lines go before, or `undefined` for the end of the file. */
  readonly before: yamlModule.Node | undefined;
  readonly lines: unknown;
  readonly result: unknown;
}

async function withJob(manager: Manager, text: string): Promise<string | undefined> {
  // In a bundle the module has a default export alone.
  const module = await import("yaml");
  const yaml = "parseDocument" in module ? module : (module as { default: typeof module }).default;
  const document = yaml.parseDocument(text);
  if (document.errors.length > 0) return undefined;
  const addition = manager === "lefthook" ? lefthookAddition(yaml, document) : preCommitAddition(yaml, document);
  if (!addition) return undefined;

  const offset = addition.before?.range?.[0] ?? text.length;
  const at = addition.before ? lineStart(text, offset) : text.length;
  const indent = " ".repeat(offset - at);
  const lines = [BLOCK_BEGIN, ...yaml.stringify(addition.lines, { lineWidth: 0 }).trimEnd().split("\n"), BLOCK_END];
  const changed = insertBlock(
    text,
    at,
    lines.map((line) => indent + line),
  );

  const result = yaml.parseDocument(changed);
  return result.errors.length === 0 && isDeepStrictEqual(result.toJS(), addition.result) ? changed : undefined;
}

type Yaml = typeof yamlModule;

function lefthookAddition(yaml: Yaml, document: yamlModule.Document): Addition | undefined {
  const all = (document.toJS() ?? {}) as Record<string, Record<string, unknown>>;
  const commands = { "agent-vault": LEFTHOOK_JOB };
  const hook = document.contents === null ? undefined : document.get("pre-commit", true);
  if (hook === undefined) {
    return { before: undefined, lines: { "pre-commit": { commands } }, result: { ...all, "pre-commit": { commands } } };
  }
  if (!yaml.isMap(hook)) return undefined;
  const result = (added: object): unknown => ({ ...all, "pre-commit": { ...all["pre-commit"], ...added } });

  const jobs = hook.get("jobs", true);
  if (yaml.isSeq(jobs)) {
    const lines = [{ name: "agent-vault", ...LEFTHOOK_JOB }];
    return { before: jobs, lines, result: result({ jobs: [...lines, ...(all["pre-commit"]!["jobs"] as unknown[])] }) };
  }
  const present = hook.get("commands", true);
  if (yaml.isMap(present)) {
    return {
      before: present,
      lines: commands,
      result: result({ commands: { ...(all["pre-commit"]!["commands"] as object), ...commands } }),
    };
  }
  return present === undefined ? { before: hook, lines: { commands }, result: result({ commands }) } : undefined;
}

function preCommitAddition(yaml: Yaml, document: yamlModule.Document): Addition | undefined {
  const repositories = document.contents === null ? undefined : document.get("repos", true);
  if (!yaml.isSeq(repositories)) return undefined;
  const all = document.toJS() as { repos: unknown[] };
  return { before: repositories, lines: [PRE_COMMIT_REPOSITORY], result: { ...all, repos: [PRE_COMMIT_REPOSITORY, ...all.repos] } };
}
