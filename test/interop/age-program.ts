import { spawnSync } from "node:child_process";

/** Runs age or age-keygen and returns its standard output. @throws with its standard error where it fails */
export function run(program: string, args: readonly string[], input: Uint8Array | string = ""): Buffer {
  const { status, stdout, stderr, error } = spawnSync(program, args, { input, maxBuffer: 1 << 26 });
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr.toString()}${stdout.toString()}`);
  return stdout;
}

/** Runs a command line on a terminal of its own, as age reads passphrases from nowhere else, and types the lines. */
export function runOnTerminal(commandLine: string, lines: readonly string[]): Buffer {
  return run("script", ["-qec", commandLine, "/dev/null"], `${lines.join("\n")}\n`);
}
