import { readFileSync, statSync } from "node:fs";
import { isSystemError, resolvePath, VaultError, type Context } from "@agent-vault/vault/read-only";
import { parseEnvFile, parseInjectArgument, parseSecretArgument, runWithSecrets, type ChildEnd, type EnvEntry } from "@agent-vault/runner";
import * as z from "zod";
import { clientApprover } from "../approval/approve.js";
import { tool } from "../call/call.js";
import { CappedOutput } from "../call/capped-output.js";
import { restrictedTo } from "../call/within-groups.js";

/** How much of each of the two streams is passed on to the model. */
const MAX_OUTPUT_BYTES = 32 * 1024;
const DEFAULT_TIMEOUT_S = 300;
const MAX_TIMEOUT_S = 3600;
/** How long a command that was asked to end has until it is killed. */
const GRACE_MS = 2000;
const MAX_ENV_FILE_BYTES = 1024 * 1024;

const textList = (most: number) => z.array(z.string().max(32_768)).max(most);
const names = (what: string) => z.array(z.string().max(1024)).max(100).default([]).describe(what);

/** `agent_vault_run` */
export const run = tool({
  name: "agent_vault_run",
  title: "Run a command with secrets",
  description:
    "Runs a command with secrets in its environment. You do not see the values: what the command prints is scrubbed of them and shows [REDACTED:group/name]. " +
    "Choose with agent_vault_list the secret with the least power that does the job, name as few as the command needs, and let the program read its " +
    "variable itself; do not echo it, encode it or write it to a file. A person may be asked first, and sees the command and your reason. " +
    "There is no shell unless shell is true, and nothing on standard input. Long output is cut in its middle.",
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
  input: z.strictObject({
    command: textList(256).min(1).describe('the program and its arguments, such as ["npm", "test"]'),
    reason: z.string().trim().min(1).max(500).describe("what it is for, in a sentence: shown to the person who is asked, and recorded"),
    secrets: names("group/name, or group/name=VARIABLE to name the variable; stripe/api-key goes to STRIPE_API_KEY otherwise"),
    groups: names("groups all of whose secrets it gets; prefer naming single secrets"),
    env_files: names(
      "files of variables with vault://group/name where secrets go, relative to cwd; other variables in them have to be listed under env in the vault's policy",
    ),
    files: names("VARIABLE=group/name: the secret as a file in memory, whose path goes to the variable"),
    cwd: z.string().max(4096).optional().describe("the folder to run in; where the server was started unless given"),
    shell: z.boolean().default(false).describe("run the command as one line in a shell"),
    clean_env: z.boolean().default(false).describe("pass on a short list of variables beside the secrets"),
    timeout_seconds: z.number().positive().max(MAX_TIMEOUT_S).default(DEFAULT_TIMEOUT_S),
  }),
  output: z.object({
    exit_code: z.int(),
    timed_out: z.boolean(),
    signal: z.string().optional(),
    stdout: z.string(),
    stderr: z.string(),
    stdout_bytes: z.int().describe("how many there were, before any were left out"),
    stderr_bytes: z.int(),
    cut: z.boolean().describe("whether some output is left out"),
  }),
  async call(call, input) {
    const started = call.context("run");
    const cwd = input.cwd === undefined ? started.cwd : resolvePath(started, input.cwd);
    // The folder that is shown to the person is the one that the command runs in.
    const context = { ...started, cwd };
    const root = await call.root();
    const [stdout, stderr] = [new CappedOutput(MAX_OUTPUT_BYTES), new CappedOutput(MAX_OUTPUT_BYTES)];
    const request = {
      root,
      door: "mcp" as const,
      key: call.key(root),
      pull: call.policy.pull,
      reason: input.reason,
      variables: input.secrets.map((text) => parseSecretArgument(text)),
      files: input.files.map(parseInjectArgument),
      groups: input.groups,
      env: input.env_files.flatMap((file) => entriesOf(context, file)),
      command: input.command,
      shell: input.shell,
      cwd,
      clean: input.clean_env,
      timeoutMs: input.timeout_seconds * 1000,
      graceMs: GRACE_MS,
      stdin: "ignore" as const,
      signal: call.signal,
      approver: clientApprover(context, call),
      restrict: restrictedTo(call.policy),
      output: { stdout, stderr, isCollected: true },
    };
    call.progress("Running.");
    const end = await runWithSecrets(context, request);
    const [out, err] = [stdout.text(), stderr.text()];
    const data = {
      exit_code: end.exitCode,
      timed_out: end.timedOut,
      signal: end.signal,
      stdout: out.text,
      stderr: err.text,
      stdout_bytes: stdout.length,
      stderr_bytes: stderr.length,
      cut: out.omitted + err.omitted > 0,
    };
    return { text: formatResult(end, out.text, err.text, input.timeout_seconds), data };
  },
});

function formatResult(end: ChildEnd, stdout: string, stderr: string, seconds: number): string {
  const how = end.timedOut
    ? `It was ended after ${seconds} seconds.`
    : end.signal
      ? `It was ended by ${end.signal}.`
      : `Exit code ${end.exitCode}.`;
  const part = (name: string, text: string) => (text === "" ? [] : [`${name}:\n${text}`]);
  return [how, ...part("stdout", stdout), ...part("stderr", stderr)].join("\n");
}

function entriesOf(context: Context, file: string): EnvEntry[] {
  const path = resolvePath(context, file);
  try {
    const stat = statSync(path);
    if (!stat.isFile()) throw notReadable(file, "is not a file");
    if (stat.size > MAX_ENV_FILE_BYTES) throw notReadable(file, `is larger than ${MAX_ENV_FILE_BYTES} bytes`);
    return parseEnvFile(readFileSync(path, "utf8"), file);
  } catch (cause) {
    if (!isSystemError(cause)) throw cause;
    throw notReadable(file, isSystemError(cause, "ENOENT", "ENOTDIR") ? "does not exist" : "could not be read", cause);
  }
}

function notReadable(file: string, why: string, cause?: unknown): VaultError {
  return new VaultError("FILE_NOT_FOUND", `${file} ${why}.`, { remedy: "Check the path; it is relative to cwd.", cause });
}
