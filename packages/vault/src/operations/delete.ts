import type { Context } from "../context.js";
import { MANIFEST_FILE, metadataFile, secretFile } from "../format/layout.js";
import { formatSecretPath, parseSecretPath } from "../format/names.js";
import { keptVersions } from "../change/kept-versions.js";
import { changeVault, type ChangeRequest } from "../change/signed-change.js";

/** Which secret to delete. */
export interface DeleteRequest extends ChangeRequest {
  readonly path: string;
}

/** What was deleted. */
export interface DeleteResult {
  readonly secret: string;
  /** Agents that could read it; its last value stays in git's history, for them as well. */
  readonly agents: readonly string[];
}

/** Removes a secret from the vault. @throws VaultError `SECRET_NOT_FOUND`, and what a transaction throws */
export function deleteSecret(context: Context, request: DeleteRequest): Promise<DeleteResult> {
  const path = parseSecretPath(request.path);
  return changeVault(context, request, (state) => {
    state.ciphertext(path);
    const agents = state.agentsOf(path);
    state.manifest.removeSecret(path);
    return {
      message: `agent-vault: delete ${formatSecretPath(path)}`,
      result: { secret: formatSecretPath(path), agents },
      files: () =>
        new Map([
          [MANIFEST_FILE, state.manifest.toBytes()],
          [secretFile(path), null],
          [metadataFile(path), null],
          ...keptVersions(state, path).map((file) => [file, null] as const),
        ]),
    };
  });
}
