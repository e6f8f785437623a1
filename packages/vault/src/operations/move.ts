import { newId, type Context } from "../context.js";
import { VaultError } from "../errors.js";
import { MANIFEST_FILE, metadataFile, secretFile } from "../format/layout.js";
import { changeMetadata, createMetadata, parseMetadata } from "../format/metadata.js";
import { defaultGroupOf, formatSecretPath, parseSecretPath } from "../format/names.js";
import { movedVersions } from "../change/kept-versions.js";
import { encryptChecked } from "../age/encrypt-checked.js";
import { decrypt } from "../age/decrypt.js";
import type { FileChanges } from "../files/changes.js";
import { changeVault, type ChangeRequest } from "../change/signed-change.js";
import { SecretTwins } from "./secret-twins.js";

/** Which secret to move, and where. */
export interface MoveRequest extends ChangeRequest {
  readonly from: string;
  readonly to: string;
}

/** The secret as it is now. */
export interface MoveResult {
  readonly from: string;
  readonly to: string;
  readonly groups: readonly string[];
  /** Agents that can read it now and could not before. */
  readonly gained: readonly string[];
  /** Agents that could read it before; they have seen its value. */
  readonly lost: readonly string[];
}

/**
 * Gives a secret another path. Where the first segment changes and the secret was listed by the group of that name, the new
 * segment's group lists it instead; other groups and extra agents keep it. Agents that lose it that way do not get its new file key.
 * @throws VaultError `SECRET_NOT_FOUND`, `ALREADY_EXISTS`, and what a transaction throws
 */
export function move(context: Context, request: MoveRequest): Promise<MoveResult> {
  const from = parseSecretPath(request.from);
  const to = parseSecretPath(request.to);
  return changeVault(context, request, (state) => {
    const { manifest } = state;
    const file = state.ciphertext(from);
    if (from === to) {
      throw new VaultError("ALREADY_EXISTS", `${formatSecretPath(from)} is the secret's path already.`, { remedy: "Choose another name." });
    }
    if (state.hasSecret(to)) {
      throw new VaultError("ALREADY_EXISTS", `There is a secret ${formatSecretPath(to)} already.`, {
        remedy: "Delete it first, or choose another name.",
      });
    }
    new SecretTwins([...state.secretPaths()].filter((path) => path !== from)).add(to);
    const before = state.agentsOf(from);
    const groups = manifest.groupsOf(from).map((group) => (group === defaultGroupOf(from) ? defaultGroupOf(to) : group));
    const extra = manifest.extraAgents.get(from) ?? new Set<string>();
    manifest.unlistSecret(from);
    for (const group of groups) manifest.listSecret(group, to);
    for (const agent of extra) manifest.addExtraAgent(to, agent);
    const after = state.agentsOf(to);
    const same = before.join() === after.join();
    return {
      message: `agent-vault: move ${formatSecretPath(from)} to ${formatSecretPath(to)}`,
      result: {
        from: formatSecretPath(from),
        to: formatSecretPath(to),
        groups: manifest.groupsOf(to),
        gained: after.filter((agent) => !before.includes(agent)),
        lost: before.filter((agent) => !after.includes(agent)),
      },
      files: async (owner): Promise<FileChanges> => {
        const metadata = state.read(metadataFile(from));
        const hasId = metadata !== undefined && parseMetadata(metadata, from).id != null;
        const change = {
          ...(!hasId && { id: newId(context) }),
          name: formatSecretPath(to),
          group: groups[0] ?? defaultGroupOf(to),
          authorized_agents: after,
        };
        return new Map([
          [MANIFEST_FILE, manifest.toBytes()],
          [secretFile(from), null],
          [metadataFile(from), null],
          [secretFile(to), same ? file : await encryptChecked(await decrypt(file, [owner]), state.recipientsOf(to), [owner])],
          ...movedVersions(state, from, to),
          [metadataFile(to), metadata ? changeMetadata(metadata, from, change) : createMetadata(to, change)],
        ]);
      },
    };
  });
}
