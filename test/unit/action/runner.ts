import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import type { Sandbox } from "../../support/sandbox.js";

const ACTION = resolve(import.meta.dirname, "../../../packages/action/dist/index.js");

/** What a step leaves behind, as a runner sees it. */
export interface Step {
  readonly code: number | null;
  /** The lines of its log. */
  readonly log: readonly string[];
  readonly stderr: string;
  readonly environment: ReadonlyMap<string, string>;
  readonly outputs: ReadonlyMap<string, string>;
  readonly summary: string;
  /** What the runner was told to hide. */
  readonly masks: readonly string[];
  /** The one error that it was told of. */
  readonly error: string | undefined;
  readonly warnings: readonly string[];
}

/** Runs the action as a runner does, with files for the environment and for outputs. */
export async function runAction(
  box: Sandbox,
  inputs: Readonly<Record<string, string>>,
  options: { workspace?: string; env?: Readonly<Record<string, string | undefined>> } = {},
): Promise<Step> {
  const temporary = join(box.root, "_temp");
  mkdirSync(temporary, { recursive: true });
  const file = (name: string) => {
    const path = join(temporary, name);
    writeFileSync(path, "");
    return path;
  };
  const files = { GITHUB_ENV: file("env"), GITHUB_OUTPUT: file("output"), GITHUB_STEP_SUMMARY: file("summary") };
  const workspace = options.workspace ?? box.repository;
  const outcome = await box.run(process.execPath, [ACTION], {
    cwd: workspace,
    env: {
      CI: "true",
      GITHUB_ACTIONS: "true",
      GITHUB_WORKSPACE: workspace,
      AGENT_VAULT_AUDIT: undefined,
      ...files,
      ...Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
      ...options.env,
    },
  });
  const log = outcome.stdout.toString().split("\n").slice(0, -1);
  const told = (command: string) =>
    log.flatMap((line) => {
      const [, data] = new RegExp(`^::${command}(?: [^:]*(?::[^:]+)*)?::([^]*)$`).exec(line) ?? [];
      return data === undefined ? [] : [data.replaceAll("%0D", "\r").replaceAll("%0A", "\n").replaceAll("%25", "%")];
    });
  return {
    code: outcome.code,
    log,
    stderr: outcome.stderr,
    environment: existsSync(files.GITHUB_ENV) ? readEnvironmentFile(files.GITHUB_ENV) : new Map(),
    outputs: readEnvironmentFile(files.GITHUB_OUTPUT),
    summary: readFileSync(files.GITHUB_STEP_SUMMARY, "utf8"),
    masks: told("add-mask"),
    error: told("error").at(-1),
    warnings: told("warning"),
  };
}

/**
 * Reads an environment file as GitHub's runner does (actions/runner, FileCommandManager.cs, EnvFileKeyValuePairs): a line ends with \r\n, \n or \r,
 * and a value keeps its own line ends.
 */
function readEnvironmentFile(file: string): Map<string, string> {
  const text = readFileSync(file, "utf8");
  const values = new Map<string, string>();
  let at = 0;
  const readLine = () => {
    if (at >= text.length) return undefined;
    const [, line, end] = /([^\r\n]*)(\r\n|\n|\r|$)/.exec(text.slice(at))!;
    at += line!.length + end!.length;
    return { line: line!, end: end! };
  };
  for (let next = readLine(); next; next = readLine()) {
    if (next.line === "") continue;
    const [equals, heredoc] = [next.line.indexOf("="), next.line.indexOf("<<")];
    if (equals >= 0 && (heredoc < 0 || equals < heredoc)) {
      values.set(next.line.slice(0, equals), next.line.slice(equals + 1));
      continue;
    }
    if (heredoc < 0) throw new Error(`Invalid format '${next.line}'`);
    const delimiter = next.line.slice(heredoc + 2);
    let value = "";
    let end = "";
    for (let line = readLine(); ; line = readLine()) {
      if (!line) throw new Error(`Matching delimiter not found '${delimiter}'`);
      if (line.line === delimiter) break;
      value += end + line.line;
      ({ end } = line);
    }
    values.set(next.line.slice(0, heredoc), value);
  }
  return values;
}

/** A log as it is shown, with what is to be hidden hidden. */
export function shownWith(masks: readonly string[], log: string): string {
  return masks.toSorted((a, b) => b.length - a.length).reduce((shown, mask) => shown.replaceAll(mask, "***"), log);
}
