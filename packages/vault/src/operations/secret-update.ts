import { newId, type Context } from "../context.js";
import { MAX_HEADER_BYTES } from "../age/header.js";
import { VaultError } from "../errors.js";
import { MAX_FILE_BYTES } from "../files/limits.js";
import type { VaultState } from "../files/vault-state.js";
import { metadataFile } from "../format/layout.js";
import type { Manifest } from "../format/manifest.js";
import { ACCESS_LEVELS, changeMetadata, createMetadata, parseMetadata, type Attributes, type Metadata } from "../format/metadata.js";
import { defaultGroupOf, formatSecretPath, parseAgentName, parseGroupName, parseSecretPath, type SecretPath } from "../format/names.js";
import { SecretTwins } from "./secret-twins.js";

/** What is to be stored of one secret besides its value. */
export interface SecretUpdateRequest {
  readonly path: string;
  /** The group that lists the secret; by default the first segment of its path. */
  readonly group?: string | undefined;
  /** A group that no longer lists it. */
  readonly removeGroup?: string | undefined;
  /** Agents that read it beyond those of its groups. */
  readonly agents?: readonly string[] | undefined;
  readonly attributes?: Attributes | undefined;
}

/** A {@link SecretUpdateRequest} whose parts were checked by themselves. */
export interface SecretUpdate {
  readonly path: SecretPath;
  readonly group: string | undefined;
  readonly removeGroup: string | undefined;
  readonly agents: readonly string[];
  readonly attributes: Attributes;
}

/** @throws VaultError `INVALID_NAME`, `INVALID_VALUE` */
export function parseSecretUpdate({ path, group, removeGroup, agents = [], attributes = {} }: SecretUpdateRequest): SecretUpdate {
  const { access, rotate_after_days: days } = attributes;
  if (access != null && !(ACCESS_LEVELS as readonly string[]).includes(access)) {
    throw new VaultError("INVALID_VALUE", `${JSON.stringify(access)} is not an access level.`, {
      remedy: `Use one of ${ACCESS_LEVELS.join(", ")}.`,
    });
  }
  if (days != null && !(days > 0))
    throw new VaultError("INVALID_VALUE", "A rotation schedule is a number of days above 0.", { remedy: "Use --rotate-after 90." });
  return {
    path: parseSecretPath(path),
    group: group === undefined ? undefined : parseGroupName(group),
    removeGroup: removeGroup === undefined ? undefined : parseGroupName(removeGroup),
    agents: agents.map(parseAgentName),
    attributes,
  };
}

/** One secret as an update of the manifest and of its metadata leaves it. */
export interface UpdatedSecret {
  readonly path: SecretPath;
  /** The agents that could read it before, and those that can now. */
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** The bytes of its `.meta` file. */
  readonly metadata: Uint8Array;
  readonly stored: StoredSecret;
}

/** A secret as it is now. */
export interface StoredSecret {
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
 * Updates the manifest in memory and the metadata of one secret.
 * @param value `undefined` keeps the present one
 * @param twins the names that are taken; the secret's is added
 * @throws VaultError `VALUE_TOO_LARGE`, `ALREADY_EXISTS`, `AGENT_NOT_FOUND`, `GROUP_NOT_FOUND`, `SECRET_NOT_FOUND`, `INVALID_VALUE`
 */
export function updateSecret(
  context: Context,
  state: VaultState,
  update: SecretUpdate,
  value: Uint8Array | undefined,
  twins = new SecretTwins(state.secretPaths()),
): UpdatedSecret {
  const { path } = update;
  const present = requirePresent(state, update, value, context.now(), twins);
  const created = !state.hasSecret(path);
  const { before, after } = updateManifest(state, update);
  const { metadata, version } = updateMetadata(state, update, present, value !== undefined, after, context);
  const lost = before.filter((agent) => !after.includes(agent));
  const groups = state.manifest.groupsOf(path);
  const stored = { secret: formatSecretPath(path), created, version, bytes: value?.length, groups, agents: after, lost };
  return { path, before, after, metadata, stored };
}

/** What the vault holds of a secret before a change. */
interface PresentSecret {
  readonly bytes: Uint8Array | undefined;
  readonly metadata: Metadata | undefined;
}

/** The secret's present metadata, once the new value and attributes fit the vault. @param value `undefined` where it is kept */
function requirePresent(
  state: VaultState,
  { path, attributes }: SecretUpdate,
  value: Uint8Array | undefined,
  now: Date,
  twins: SecretTwins,
): PresentSecret {
  if (value === undefined) state.ciphertext(path);
  else if (value.length > MAX_VALUE_BYTES) throw unreadablyLarge();
  else if (value.length > state.config.settings.max_value_bytes) throw valueTooLarge(state.config.settings.max_value_bytes);
  const bytes = state.read(metadataFile(path));
  const metadata = bytes && parseMetadata(bytes, path);
  requireFutureExpiry(attributes.expires, metadata?.expires, now);
  if (!state.hasSecret(path)) twins.add(path);
  return { bytes, metadata };
}

/** The largest value that can be read again, whatever the settings say: its file has a header, and 16 bytes more for each 64 KiB. */
const MAX_VALUE_BYTES = MAX_FILE_BYTES - 2 * MAX_HEADER_BYTES;

function unreadablyLarge(): VaultError {
  return new VaultError(
    "VALUE_TOO_LARGE",
    `The value is larger than ${MAX_VALUE_BYTES} bytes, which is as much as a vault's file can hold.`,
    {
      remedy: "Store a smaller value, such as the key of a larger file that is encrypted elsewhere.",
    },
  );
}

/** The error for a value over a vault's limit, in bytes, for those who read one and need not read it to its end. */
export function valueTooLarge(limit: number): VaultError {
  return new VaultError("VALUE_TOO_LARGE", `The value is larger than the ${limit} bytes that this vault allows.`, {
    remedy: "Store a smaller value, or raise settings.max_value_bytes in config.yaml.",
  });
}

/** Refuses an expiry in the past, unless it is the present one. @throws VaultError `INVALID_VALUE` */
function requireFutureExpiry(expires: string | null | undefined, present: string | null | undefined, now: Date): void {
  if (expires == null || Date.parse(expires) > now.getTime() || Date.parse(expires) === Date.parse(present ?? "")) return;
  throw new VaultError("INVALID_VALUE", `--expires ${expires} is in the past.`, {
    remedy: "Use a future date, such as 90d, or never. agent-vault delete removes a secret that is no longer used.",
  });
}

/** Puts the secret's groups and extra agents into the manifest. @returns its agents before and after */
function updateManifest(
  state: VaultState,
  { path, group, removeGroup, agents }: SecretUpdate,
): { before: readonly string[]; after: readonly string[] } {
  const { manifest } = state;
  const before = state.agentsOf(path);
  for (const agent of agents) manifest.requireAgent(agent);
  if (group !== undefined) manifest.listSecret(group, path);
  else if (manifest.groupsOf(path).length === 0) manifest.listSecret(defaultGroupOf(path), path);
  for (const agent of agents) if (!state.agentsOf(path).includes(agent)) manifest.addExtraAgent(path, agent);
  if (removeGroup !== undefined) removeFromGroup(manifest, path, removeGroup);
  return { before, after: state.agentsOf(path) };
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
      remedy: "Name another group that is to list it with --group, or remove the secret with agent-vault delete.",
    });
  }
  manifest.unlistFrom(group, path);
}

/** The secret's new metadata file, and its version. @param agents who can read it now */
function updateMetadata(
  { manifest }: VaultState,
  { path, group, removeGroup, attributes }: SecretUpdate,
  present: PresentSecret,
  hasNewValue: boolean,
  agents: readonly string[],
  context: Context,
): { metadata: Uint8Array; version: number } {
  const { bytes, metadata } = present;
  const time = context.now().toISOString();
  const version = Math.max(1, (metadata ? (metadata.version ?? 1) : 0) + (hasNewValue ? 1 : 0));
  const [firstGroup] = manifest.groupsOf(path);
  const change = {
    ...attributes,
    ...((group !== undefined || removeGroup !== undefined) && { group: group ?? firstGroup! }),
    ...(hasNewValue && { rotated: time, version }),
    ...(metadata?.id == null && { id: newId(context) }),
    authorized_agents: agents,
  };
  if (bytes) return { metadata: changeMetadata(bytes, path, change), version };
  const created = { group: firstGroup!, created: time, rotated: time, version, ...change };
  return { metadata: createMetadata(path, created), version };
}
