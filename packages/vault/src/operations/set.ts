import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import { MANIFEST_FILE, metadataFile, secretFile } from "../format/layout.js";
import { ACCESS_LEVELS, changeMetadata, createMetadata, parseMetadata, type Attributes } from "../format/metadata.js";
import { defaultGroupOf, formatSecretPath, parseGroupName, parseSecretPath, type SecretPath } from "../format/names.js";
import { reencrypt, encryptChecked, includingOutdated } from "../change/reencrypt.js";
import type { Manifest } from "../format/manifest.js";
import type { FileChanges } from "../change/transaction.js";
import type { VaultState } from "../files/vault-state.js";
import { changeVault, type Change, type ChangeRequest } from "../change/signed-change.js";

export interface SetRequest extends ChangeRequest {
  readonly path: string;
  /** The value, byte for byte, or how to ask a person for it; `undefined` keeps the present one and changes attributes alone. */
  readonly value: Uint8Array | (() => Promise<Uint8Array>) | undefined;
  /** The group that lists the secret; by default the first segment of its path. */
  readonly group?: string | undefined;
  /** A group that no longer lists it. */
  readonly removeGroup?: string | undefined;
  /** Agents that read it beyond those of its groups. */
  readonly agents?: readonly string[] | undefined;
  readonly attributes?: Attributes | undefined;
}

export interface SetResult {
  readonly secret: string;
  readonly created: boolean;
  /** 1 for a new secret, and one more with each new value. */
  readonly version: number;
  /** The value's length in bytes, or `undefined` where it was kept. */
  readonly bytes: number | undefined;
  readonly groups: readonly string[];
  readonly agents: readonly string[];
  /** Agents that could read it before; they have seen the value that was kept. */
  readonly lost: readonly string[];
}

/**
 * Stores a secret, or a new value of one, for its owners and for the agents of its groups.
 * @throws VaultError `VALUE_TOO_LARGE`, `INVALID_NAME`, `INVALID_VALUE`, `ALREADY_EXISTS` (a name that differs in case only),
 *   `AGENT_NOT_FOUND`, `GROUP_NOT_FOUND`, `SECRET_NOT_FOUND` (nothing to keep), and what a transaction throws
 */
export async function set(context: Context, request: SetRequest): Promise<SetResult> {
  const path = parseSecretPath(request.path);
  const ask = typeof request.value === "function" ? request.value : undefined;
  let value = typeof request.value === "function" ? new Uint8Array() : request.value;
  const operation = (state: VaultState): Change<SetResult> => {
    const { manifest } = state;
    const { attributes = {} } = request;
    const created = !state.hasSecret(path);
    if (value === undefined) state.ciphertext(path);
    else requireSize(value, state.config.settings.max_value_bytes);
    const present = state.read(metadataFile(path));
    const metadata = present && parseMetadata(present, path);
    requireAttributes(attributes);
    requireFuture(attributes.expires, metadata?.expires, context.now());
    if (created) requireNoTwin(state, path);

    const before = state.agentsOf(path);
    for (const agent of request.agents ?? []) manifest.requireAgent(agent);
    const group = request.group === undefined ? undefined : parseGroupName(request.group);
    if (group !== undefined) manifest.listSecret(group, path);
    else if (manifest.groupsOf(path).length === 0) manifest.listSecret(defaultGroupOf(path), path);
    for (const agent of request.agents ?? []) if (!state.agentsOf(path).includes(agent)) manifest.addExtraAgent(path, agent);
    if (request.removeGroup !== undefined) removeFromGroup(manifest, path, request.removeGroup);
    const agents = state.agentsOf(path);

    const lost = before.filter((agent) => !agents.includes(agent));
    const version = Math.max(1, (metadata ? (metadata.version ?? 1) : 0) + (value === undefined ? 0 : 1));
    const now = context.now().toISOString();
    const change = {
      ...attributes,
      ...((group !== undefined || request.removeGroup !== undefined) && { group: group ?? manifest.groupsOf(path)[0]! }),
      ...(value !== undefined && { rotated: now, version }),
      authorized_agents: agents,
    };
    const newMetadata = present
      ? changeMetadata(present, path, change)
      : createMetadata(path, { group: manifest.groupsOf(path)[0]!, created: now, rotated: now, version, ...change });

    return {
      message: `agent-vault: set ${formatSecretPath(path)}`,
      result: { secret: formatSecretPath(path), created, version, bytes: value?.length, groups: manifest.groupsOf(path), agents, lost },
      files: async (owner): Promise<FileChanges> => {
        const access = before.join() === agents.join() ? [] : [{ path, before, after: agents, rekeyed: false }];
        return new Map([
          ...(value === undefined
            ? await reencrypt(context, state, owner, includingOutdated(state, [path], access))
            : new Map([[secretFile(path), await encryptChecked(value, state.recipientsOf(path), owner)]])),
          [MANIFEST_FILE, manifest.toBytes()],
          [metadataFile(path), newMetadata],
        ]);
      },
    };
  };
  return changeVault(context, request, operation, ask && (async () => void (value = await ask())));
}

/** @throws VaultError `GROUP_NOT_FOUND`, `INVALID_VALUE` where no other group lists the secret */
function removeFromGroup(manifest: Manifest, path: SecretPath, name: string): void {
  const group = manifest.requireGroup(name);
  const groups = manifest.groupsOf(path);
  if (!groups.includes(group)) {
    throw new VaultError("GROUP_NOT_FOUND", `${formatSecretPath(path)} is not listed by group ${group}.`, {
      remedy: `It is listed by ${groups.join(", ")}.`,
    });
  }
  if (groups.length === 1) {
    throw new VaultError("INVALID_VALUE", `${formatSecretPath(path)} is listed by group ${group} alone.`, {
      remedy: "Name the group that is to list it instead with --group, or take the secret out with agent-vault delete.",
    });
  }
  manifest.unlistFrom(group, path);
}

function requireSize(value: Uint8Array, limit: number): void {
  if (value.length > limit) throw valueTooLarge(limit);
}

/** The error for a value over a vault's limit, in bytes, for whoever reads one and need not read it to its end. */
export function valueTooLarge(limit: number): VaultError {
  return new VaultError("VALUE_TOO_LARGE", `The value is larger than the ${limit} bytes that this vault takes.`, {
    remedy: "Store a smaller value, or raise settings.max_value_bytes in config.yaml.",
  });
}

function requireAttributes({ access, rotate_after_days: days }: Attributes): void {
  if (access != null && !(ACCESS_LEVELS as readonly string[]).includes(access)) {
    throw new VaultError("INVALID_VALUE", `${JSON.stringify(access)} is not an access level.`, {
      remedy: `Use one of ${ACCESS_LEVELS.join(", ")}.`,
    });
  }
  if (days != null && !(days > 0))
    throw new VaultError("INVALID_VALUE", "A rotation schedule is a number of days above 0.", { remedy: "Use --rotate-after 90." });
}

/** An expiry in the past is a slip of the pen, unless it stands there already. @throws VaultError `INVALID_VALUE` */
function requireFuture(expires: string | null | undefined, present: string | null | undefined, now: Date): void {
  if (expires == null || Date.parse(expires) > now.getTime() || Date.parse(expires) === Date.parse(present ?? "")) return;
  throw new VaultError("INVALID_VALUE", `${expires} is past.`, {
    remedy: "Give a time to come, such as 90d, or never; a secret that is of no use any more goes with agent-vault delete.",
  });
}

/**
 * Names that differ in case only are one file on some disks.
 * @param leaving a secret that goes away
 * @throws VaultError `ALREADY_EXISTS`
 */
export function requireNoTwin(state: VaultState, path: SecretPath, leaving?: SecretPath): void {
  const prefixes = (whole: string) => whole.split("/").map((_, index, parts) => parts.slice(0, index + 1).join("/"));
  const own = new Map(prefixes(path).map((prefix) => [prefix.toLowerCase(), prefix]));
  for (const other of state.secretPaths()) {
    if (other === leaving) continue;
    for (const prefix of prefixes(other)) {
      const twin = own.get(prefix.toLowerCase());
      // A secret and a folder of the same name do not meet: the secret's file has an ending.
      if (twin === undefined || twin === prefix || (prefix === other) !== (twin === path)) continue;
      throw new VaultError(
        "ALREADY_EXISTS",
        `${formatSecretPath(path)} and ${formatSecretPath(other)} differ in upper and lower case only.`,
        {
          remedy: "Some disks cannot tell such names apart; use the present spelling or another name.",
        },
      );
    }
  }
}
