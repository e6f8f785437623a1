import {
  CONFIG_FILE,
  failureOutcome,
  formatFailure,
  formatSecretPath,
  isAuditOff,
  loadKeysForUse,
  MANIFEST_FILE,
  metadataFile,
  openSecret,
  POLICY_FILE,
  presentedToken,
  requireNotRemoved,
  secretFile,
  VaultError,
  type VaultFiles,
  openVault,
  type OpenedVault,
  type Actor,
  type Context,
  type KeyChoice,
  type SecretPath,
} from "@agent-vault/vault/read-only";
import { openUseAudit, invocationContext, type UseAudit } from "@agent-vault/ledger";
import { NO_COMMAND, type Door, type RequestedVariable, type UseRequest } from "../policy/use-request.js";
import { authorize, type Approver } from "./authorize.js";
import { recordedRequest } from "./recorded-request.js";
import { requestedSecrets } from "./requested-secrets.js";
import { stateOf } from "./state-of.js";

/** Which secrets are to be used, from where, and for what. */
export interface SecretUse {
  /** The vault's folder. */
  readonly root: string;
  /** Absolute path of the folder that the use is in, if not the context's: the one that policy and approvals see and that is recorded. */
  readonly cwd?: string | undefined;
  readonly key?: KeyChoice | undefined;
  /** Bring the vault up to date with its upstream first; `true` unless set. */
  readonly pull?: boolean | undefined;
  readonly action: UseRequest["action"];
  /** The way that the request came in by; the command line unless given. */
  readonly door?: Door | undefined;
  readonly secrets: readonly SecretPath[];
  /** Groups all of whose secrets are used as well. */
  readonly groups?: readonly string[] | undefined;
  readonly command?: readonly string[] | undefined;
  readonly cleanEnvironment?: boolean | undefined;
  readonly output?: UseRequest["output"] | undefined;
  readonly template?: UseRequest["template"];
  /** Of `--token`; without it `AGENT_VAULT_TOKEN` counts. */
  readonly token?: string | undefined;
  readonly reason?: string | undefined;
  /** Of `--service`; without it `AGENT_VAULT_SERVICE` counts. */
  readonly service?: string | undefined;
  readonly approver: Approver;
  /** A further condition, such as the caveats of a profile. @throws VaultError `POLICY_DENIED` */
  readonly restrict?: ((use: UseRequest) => void) | undefined;
  /** The variables that the command gets, once it is known which secrets there are; nothing is done with them where it throws. @throws VaultError */
  readonly variables?: ((secrets: ResolvedSecrets) => readonly RequestedVariable[]) | undefined;
}

/** The secrets of a use, each once. */
export interface ResolvedSecrets {
  readonly all: readonly SecretPath[];
  /** Those that one of the groups lists. */
  readonly ofGroups: ReadonlySet<SecretPath>;
}

/** The secrets of a use that was recorded as begun. */
export interface OpenedUse {
  /** In the order that they were asked for, those of groups last. */
  readonly values: ReadonlyMap<SecretPath, Uint8Array>;
  readonly ofGroups: ReadonlySet<SecretPath>;
  /** What was judged. */
  readonly request: UseRequest;
  /** Records how it ended. @throws VaultError where that cannot be recorded */
  end(ending: UseEnding): Promise<void>;
}

/** How a use ended. */
export interface UseEnding {
  readonly outcome: "done" | "denied" | "failed";
  readonly exitCode?: number | undefined;
  readonly reason?: string | undefined;
  /** In full, with no secret in it. */
  readonly command?: readonly string[] | undefined;
  /** What the asker decided beside the command, in full, with no secret in it. */
  readonly request?: readonly string[] | undefined;
}

/**
 * The one way to the values of secrets, in this order and failing closed at each step: the names are resolved in the verified vault;
 * the token, the policy and a person decide; the use is recorded; the values are decrypted.
 * @throws VaultError what `loadKeysForUse`, `openVault`, {@link authorize} and the ledger throw, `SECRET_NOT_FOUND`, `GROUP_NOT_FOUND`,
 *   `NOT_AUTHORIZED`, `DAMAGED`, `ROLLBACK` for a state before the newest that was seen. What is refused once the vault is verified is recorded as denied.
 */
export async function openUse(context: Context, request: SecretUse): Promise<OpenedUse> {
  const { root, action, approver } = request;
  const where = { ...context, cwd: request.cwd ?? context.cwd };
  const keys = await loadKeysForUse(context, root, request);
  const opened = await openVault(context, root, "files", {
    keys,
    localOnly: request.pull === false,
    read: (files) => readNeeded(files, request),
  });
  const { files, homes, trusted } = opened;
  const actor = opened.actor!;
  const token = presentedToken(context, request.token);
  const audit = isAuditOff(context.env) ? undefined : await openUseAudit(where, actor);

  const named = request.secrets.map(formatSecretPath);
  const refuse = async (error: unknown, secrets: readonly string[], asked?: readonly string[]) => {
    opened.rememberRefusal(error);
    if (error instanceof VaultError) await audit?.refuse({ action, secrets, command: programOf(request), request: asked }, error);
    throw error;
  };
  const { all: paths, ofGroups, variables } = await resolve(opened, request).catch((error: unknown) => refuse(error, named));
  const secrets = paths.map(formatSecretPath);
  const use = await useOf(where, files, actor, paths, request, variables).catch((error: unknown) => refuse(error, secrets));
  const recorded = recordedRequest(use, "names");
  const passed = await (async () => {
    opened.requireRules();
    request.restrict?.(use);
    for (const home of homes) await requireNotRemoved(home, keys, use.principal);
    const rules = homes.map((home) => ({ files: home, keys }));
    return authorize(context, { use, files, homes: rules, token, ledger: audit?.ledger, approver });
  })().catch((error: unknown) => refuse(error, secrets, recorded));

  const end = await recordBegin(context, actor, audit, {
    action,
    secrets,
    command: programOf(request),
    request: recorded,
    reason: reasonOf(request, passed.approval),
    ...(passed.token && { identity: `token:${passed.token.id}` }),
  });
  try {
    const values = new Map<SecretPath, Uint8Array>();
    for (const path of paths) {
      const ciphertext = await opened.read(() => files.ciphertext(path));
      values.set(path, await openSecret(ciphertext, formatSecretPath(path), keys));
    }
    trusted?.remember();
    return { values, ofGroups, request: use, end };
  } catch (error) {
    opened.rememberRefusal(error);
    if (error instanceof VaultError) await end({ outcome: failureOutcome(error), reason: formatFailure(error) });
    else await end({ outcome: "failed" });
    throw error;
  }
}

/** Reads the files that the use is decided by, and the secrets. */
async function readNeeded(files: VaultFiles, { secrets, groups = [] }: SecretUse): Promise<void> {
  for (const file of [CONFIG_FILE, POLICY_FILE, MANIFEST_FILE]) files.read(file);
  for (const path of [...secrets, ...(await secretsOfGroups(files, groups))])
    for (const file of [secretFile(path), metadataFile(path)]) files.read(file);
}

/** Records that the use begins. @returns what records how it ended */
async function recordBegin(
  context: Context,
  actor: Actor,
  audit: UseAudit | undefined,
  event: Parameters<UseAudit["begin"]>[0],
): Promise<OpenedUse["end"]> {
  if (audit) return audit.begin(event);
  // Counts the use where there is an audit log that is off now.
  await context.recorder?.record(context, actor, { outcome: "done", secrets: event.secrets });
  return async () => {};
}

/** The secrets that are asked for, each once, and all of them there. */
async function resolve(
  { files, read }: OpenedVault,
  { secrets, groups = [], variables }: SecretUse,
): Promise<ResolvedSecrets & { readonly variables: readonly RequestedVariable[] }> {
  const ofGroups = new Set((await secretsOfGroups(files, groups)).filter((path) => files.hasSecret(path)));
  const all = [...new Set([...secrets, ...ofGroups])];
  for (const path of all) await read(() => files.ciphertext(path));
  const named = variables?.({ all, ofGroups }) ?? [];
  if (all.length > 0) return { all, ofGroups, variables: named };
  throw new VaultError("USAGE", "There is no secret to use.", {
    remedy: "Name one: --secret GROUP/NAME, --group GROUP or --profile NAME.",
  });
}

/** What groups list, whether or not it is there. @throws VaultError `GROUP_NOT_FOUND` */
async function secretsOfGroups(files: VaultFiles, groups: readonly string[]): Promise<SecretPath[]> {
  if (groups.length === 0) return [];
  const { manifest } = await stateOf(files);
  return groups.flatMap((group) => [...manifest.groups.get(manifest.requireGroup(group))!]);
}

async function useOf(
  context: Context,
  files: VaultFiles,
  actor: Actor,
  paths: readonly SecretPath[],
  request: SecretUse,
  variables: readonly RequestedVariable[],
): Promise<UseRequest> {
  const { action, door = "cli", command, reason, service = context.env["AGENT_VAULT_SERVICE"] || undefined } = request;
  const byToken = presentedToken(context, request.token) !== undefined;
  const secrets = await requestedSecrets(files, paths, byToken || request.restrict !== undefined);
  return {
    ...NO_COMMAND,
    action,
    door,
    secrets,
    principal: await actor.principal(),
    invocation: invocationContext(context, request.root),
    byToken,
    command,
    variables,
    cleanEnvironment: request.cleanEnvironment ?? false,
    output: request.output ?? "scrubbed",
    template: request.template,
    reason,
    service,
  };
}

/** The arguments of a command may contain secrets, which can be told once those are open: before that only the program is recorded. */
function programOf({ command }: SecretUse): readonly string[] | undefined {
  return command && command.length > 1 ? [command[0]!, "…"] : command;
}

function reasonOf({ reason }: SecretUse, approval: string | undefined): string | undefined {
  return [reason, approval && `Approved ${approval}.`].filter((part) => part !== undefined).join(" ") || undefined;
}
