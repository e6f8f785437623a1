import { PassThrough, type Writable } from "node:stream";
import {
  formatDuration,
  formatFailure,
  formatSecretPath,
  detectHarness,
  VaultError,
  type Context,
  type SecretPath,
  decodeUtf8,
} from "@agent-vault/vault/read-only";
import { PreparedOutput } from "../child/prepared-output.js";
import type { TerminalStreams } from "../child/pty/persons-terminal.js";
import type { ChildEnd, ChildRequest } from "../child/child-request.js";
import { runChild } from "../child/run-child.js";
import { shellCommand } from "../child/shell-command.js";
import type { EnvEntry } from "../references/env-file.js";
import { filtered } from "../references/filters.js";
import { secretsIn } from "../references/reference.js";
import { derivedVariable, distinctVariables, type SecretVariable, type VariableNaming } from "../references/variables.js";
import type { RequestedVariable } from "../policy/use-request.js";
import { KnownSecrets, type SecretToScrub } from "../scrub/known-secrets.js";
import { recordedRequest } from "./recorded-request.js";
import { openUse, type OpenedUse, type SecretUse, type UseEnding } from "./open-use.js";

/** A command, and the secrets that it gets. */
export interface RunRequest
  extends
    Omit<SecretUse, "action" | "secrets" | "command" | "variables" | "cwd" | "cleanEnvironment" | "output" | "template">,
    Pick<ChildRequest, "command" | "shell" | "cwd" | "clean" | "tty" | "timeoutMs" | "graceMs" | "stdin" | "signal"> {
  /** Secrets that go to variables. */
  readonly variables?: readonly SecretVariable[] | undefined;
  /** How the variables of a group's secrets are named that no name is given for. */
  readonly names?: VariableNaming | undefined;
  /** Secrets that go to files, whose paths go to variables. */
  readonly files?: readonly SecretVariable[] | undefined;
  /** Further variables, with references to secrets in their values. */
  readonly env?: readonly Pick<EnvEntry, "name" | "value">[] | undefined;
  /** Scrub values under eight bytes too, unencoded only; without it they are refused. */
  readonly allowShort?: boolean | undefined;
  /** The person's terminal, where the command is to have a terminal of its own whose scrubbed output goes there. */
  readonly terminal?: TerminalStreams | undefined;
  /** Where the scrubbed output goes. What is only read when the command has ended is collected: no line of it has to be there before. */
  readonly output: { readonly stdout: Writable; readonly stderr: Writable; readonly isCollected?: boolean };
}

const NO_PTY =
  "The command gets pipes instead of a terminal, because none could be made: neither @lydell/node-pty nor the program script of util-linux is here. --no-tty says that this is meant.";

/**
 * Runs a command with secrets in its environment, which the caller does not see: what it prints is scrubbed of them. It goes
 * through {@link openUse} first.
 * @throws VaultError what `openUse` and {@link runChild} throw, `INVALID_VARIABLE` where a variable would hold two secrets, `INVALID_VALUE` for a
 *   value that is no text, `SECRET_TOO_SHORT`, `NO_PRIVATE_STORAGE`
 */
export async function runWithSecrets(context: Context, request: RunRequest): Promise<ChildEnd> {
  const { variables = [], files = [], env = [], command, shell } = request;
  const named = [...variables, ...files].map(({ secret }) => secret);
  const secrets = [...new Set([...named, ...secretsIn(env.flatMap(({ value }) => value))])];
  const run = shell ? shellCommand(command, context.env) : command;
  const output = new PreparedOutput(request.tty ? "none" : (request.terminal ?? "pipes"));
  const use = await openUse(context, {
    ...request,
    action: "run",
    secrets,
    command: run,
    variables: ({ ofGroups }) => variablesOf(request, ofGroups),
    cleanEnvironment: request.clean,
    output: request.tty ? "unscrubbed" : request.allowShort ? "short-as-is" : "scrubbed",
  }).catch(async (error: unknown) => {
    await output.close();
    throw error;
  });
  const known = knownSecrets(use.values);
  const inFull = () => ({ command: redacted(run, known), request: redacted(recordedRequest(use.request, "values"), known) });
  try {
    const end = await runOpened(context, request, use, output);
    const how = end.timedOut ? "It ran out of time." : end.cancelled ? "It was cancelled." : end.signal && `Ended by ${end.signal}.`;
    if (end.timedOut) context.warn(`The command was ended because it ran longer than ${formatDuration(request.timeoutMs!)}.`);
    if (end.unwritten) context.warn(`The command's output could not be written: ${end.unwritten.message}.`);
    await recordEnd(context, use, { outcome: "done", exitCode: end.exitCode, reason: how || undefined, ...inFull() });
    return end;
  } catch (error) {
    await output.close();
    const failure = error instanceof VaultError ? error : undefined;
    // The message may quote an argument of the command.
    const [reason] = redacted([formatFailure(error)], known);
    await recordEnd(context, use, { outcome: "failed", exitCode: failure?.exitCode, reason, ...inFull() });
    throw scrubbed(error, known);
  }
}

async function runOpened(
  context: Context,
  request: RunRequest,
  { values, ofGroups, request: use }: OpenedUse,
  prepared: PreparedOutput,
): Promise<ChildEnd> {
  const { tty, output } = request;
  const onSilence = output.isCollected ? "nothing" : "lines";
  // What is typed shows as it is typed.
  const onTerminal = { onSilence: "all", columns: () => request.terminal?.output.columns ?? 0 } as const;
  const known = tty ? undefined : knownSecrets(values, request.allowShort ?? false);
  const text = (path: SecretPath) => textOf(path, values.get(path)!);
  const secrets: Record<string, string> = {};
  for (const { name, value } of request.env ?? []) {
    secrets[name] = value
      .map((part) => (typeof part === "string" ? part : textOf(part.secret, filtered(values.get(part.secret)!, part.filters, part.secret))))
      .join("");
  }
  const { variables, files } = placesOf(request, ofGroups);
  for (const { variable, secret } of variables) secrets[variable] = text(secret);
  // An empty token is an invalid one: an agent-vault that the command starts must not use the key where a token was presented.
  if (use.byToken) secrets["AGENT_VAULT_TOKEN"] = "";
  // No variable of the asker's hides from the command, and from an agent-vault that it starts, that a coding agent is at work.
  const { harness } = use.invocation;
  if (harness !== undefined && detectHarness({ ...context.env, ...secrets }) === undefined) secrets["AI_AGENT"] = harness;
  const folder = files.length === 0 ? undefined : (await import("../child/secret-files.js")).SecretFiles.create(context.env);
  try {
    for (const { variable, secret } of files) secrets[variable] = folder!.add(variable, values.get(secret)!);
    const { pipes, pty } = await prepared.take();
    if (request.terminal && !pty) context.warn(NO_PTY);
    return await runChild({
      ...request,
      env: context.env,
      secrets,
      stdout: { through: known?.stream(pty ? onTerminal : { onSilence }) ?? new PassThrough(), to: output.stdout },
      stderr: { through: known?.stream({ onSilence }) ?? new PassThrough(), to: output.stderr },
      scrub: { secrets: secretsToScrub(values), allowShort: request.allowShort ?? false },
      pipes,
      pty,
    });
  } finally {
    folder?.remove();
  }
}

/** The variables that the command is to get, as they are judged. */
function variablesOf(request: RunRequest, ofGroups: ReadonlySet<SecretPath>): RequestedVariable[] {
  const { variables, files } = placesOf(request, ofGroups);
  const referenceTo = (secret: SecretPath) => `vault://${formatSecretPath(secret)}`;
  return [
    ...(request.env ?? []).map(({ name, value }): RequestedVariable => {
      const [first] = value;
      if (value.length === 1 && typeof first === "object") return { name, holds: "secret", value: referenceTo(first.secret) };
      const text = value.map((part) => (typeof part === "string" ? part : `{{ ${referenceTo(part.secret)} }}`)).join("");
      return { name, holds: "text", value: text };
    }),
    ...variables.map(({ variable, secret }): RequestedVariable => ({ name: variable, holds: "secret", value: referenceTo(secret) })),
    ...files.map(({ variable, secret }): RequestedVariable => ({ name: variable, holds: "file", value: referenceTo(secret) })),
  ];
}

/** Which secret goes to which variable and file: those of groups that are not named otherwise go where their names say. */
function placesOf(
  { variables = [], files = [], env = [], names }: RunRequest,
  ofGroups: ReadonlySet<SecretPath>,
): { variables: readonly SecretVariable[]; files: readonly SecretVariable[] } {
  const placed = new Set([...variables, ...files].map(({ secret }) => secret));
  const rest = [...ofGroups].filter((secret) => !placed.has(secret));
  const all = [...variables, ...rest.map((secret) => ({ variable: derivedVariable(secret, names), secret }))];
  const distinct = distinctVariables([...all, ...files]);
  const taken = new Map(distinct.map(({ variable, secret }) => [variable, secret]));
  for (const { name } of env) if (taken.has(name)) throw twice(name, taken.get(name)!);
  for (const { variable, secret } of files) if (all.some((one) => one.variable === variable)) throw twice(variable, secret);
  return { variables: distinctVariables(all), files: distinctVariables(files) };
}

function twice(name: string, secret: SecretPath): VaultError {
  return new VaultError("INVALID_VARIABLE", `The variable ${name} is set twice, once for ${formatSecretPath(secret)}.`, {
    remedy: `Name another for one of them: --secret ${formatSecretPath(secret)}=VARIABLE.`,
  });
}

function textOf(path: SecretPath, value: Uint8Array): string {
  const text = decodeUtf8(value);
  if (text !== undefined) return text;
  const secret = formatSecretPath(path);
  throw new VaultError("INVALID_VALUE", `${secret} is not UTF-8 text, so no variable can hold it.`, {
    remedy: `Hand it over as a file: --file NAME=${secret}.`,
  });
}

function knownSecrets(values: ReadonlyMap<SecretPath, Uint8Array>, allowShort = true): KnownSecrets {
  return new KnownSecrets(secretsToScrub(values), { allowShort });
}

function secretsToScrub(values: ReadonlyMap<SecretPath, Uint8Array>): SecretToScrub[] {
  return [...values].map(([path, value]) => ({ name: formatSecretPath(path), value }));
}

/** Texts without the secrets in them. */
function redacted(texts: readonly string[], known: KnownSecrets): string[] {
  return texts.map((text) => {
    const scrubber = known.scrubber();
    return Buffer.concat([scrubber.write(Buffer.from(text)), scrubber.flush()]).toString();
  });
}

/** The error without the secrets in what it quotes, and then without its cause, which quotes the same. */
function scrubbed(error: unknown, known: KnownSecrets): unknown {
  if (!(error instanceof Error)) return error;
  const { code, remedy = "" } = error instanceof VaultError ? error : { code: "FAILED" as const };
  const [message, advice] = redacted([error.message, remedy], known);
  if (message === error.message && advice === remedy) return error;
  return new VaultError(code, message!, advice === "" ? {} : { remedy: advice! });
}

/** The command has run, so its result counts even where its end cannot be recorded. */
async function recordEnd(context: Context, use: OpenedUse, ending: UseEnding): Promise<void> {
  try {
    await use.end(ending);
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    context.warn(`The end of the command could not be recorded: ${error.message}`);
  }
}
