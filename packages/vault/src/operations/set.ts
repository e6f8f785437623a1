import { encryptChecked } from "../age/encrypt-checked.js";
import { keepReplaced } from "../change/kept-versions.js";
import { includingOutdated, reencrypt } from "../change/reencrypt.js";
import { changeVault, type Ask, type Change, type ChangeRequest } from "../change/signed-change.js";
import type { Context } from "../context.js";
import type { VaultState } from "../files/vault-state.js";
import { isSameAgents } from "../format/access.js";
import { MANIFEST_FILE, metadataFile, secretFile } from "../format/layout.js";
import { formatSecretPath } from "../format/names.js";
import { parseSecretUpdate, updateSecret, type SecretUpdateRequest, type StoredSecret } from "./secret-update.js";

/** What to store, and for whom. */
export interface SetRequest extends ChangeRequest, SecretUpdateRequest {
  /** The value, byte for byte, or how to ask a person for it; `undefined` keeps the present one and changes attributes alone. */
  readonly value: Uint8Array | (() => Promise<Uint8Array>) | undefined;
}

/** The secret as it is now. */
export type SetResult = StoredSecret;

/**
 * Stores a secret, or a new value of one, for its owners and for the agents of its groups.
 * @throws VaultError `VALUE_TOO_LARGE`, `INVALID_NAME`, `INVALID_VALUE`, `ALREADY_EXISTS` (a name that differs in case only),
 *   `AGENT_NOT_FOUND`, `GROUP_NOT_FOUND`, `SECRET_NOT_FOUND` (nothing to keep), and what a transaction throws
 */
export async function set(context: Context, request: SetRequest): Promise<SetResult> {
  const update = parseSecretUpdate(request);
  const { path } = update;
  const { value: given } = request;
  // Where a person is asked, the trial before it is made with an empty value.
  let value = typeof given === "function" ? new Uint8Array() : given;
  const ask: Ask | undefined = typeof given === "function" ? async () => void (value = await given()) : undefined;
  const operation = (state: VaultState): Change<SetResult> => {
    const newValue = value;
    const { before, after, metadata, stored } = updateSecret(context, state, update, newValue);
    return {
      message: `agent-vault: set ${formatSecretPath(path)}`,
      result: stored,
      files: async (owner, signed) => {
        const access = isSameAgents(before, after) ? [] : [{ path, before, after, rekeyed: false }];
        const encrypted =
          newValue === undefined
            ? await reencrypt(context, state, owner, includingOutdated(state, [path], access))
            : new Map([[secretFile(path), await encryptChecked(newValue, state.recipientsOf(path), [owner])]]);
        const kept =
          newValue === undefined
            ? []
            : await keepReplaced(context, state, [{ path, value: newValue, version: stored.version }], owner, signed);
        return new Map([...encrypted, ...kept, [MANIFEST_FILE, state.manifest.toBytes()], [metadataFile(path), metadata]]);
      },
    };
  };
  return changeVault(context, request, operation, ask);
}
