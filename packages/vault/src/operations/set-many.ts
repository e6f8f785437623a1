import { runBatch, type ReencryptJob } from "../age/batch.js";
import { decrypt } from "../age/decrypt.js";
import { requireUniform } from "../age/recipient.js";
import { RecipientSets } from "../age/recipient-sets.js";
import { keepReplaced } from "../change/kept-versions.js";
import { changeVault, type Change, type ChangeRequest } from "../change/signed-change.js";
import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import type { FileChanges } from "../files/changes.js";
import type { VaultState } from "../files/vault-state.js";
import { MANIFEST_FILE, metadataFile, secretFile } from "../format/layout.js";
import { formatSecretPath, parseSecretPath } from "../format/names.js";
import { ownerIdentityAmong } from "../keys/owner-identity.js";
import { loadVaultKeys } from "../keys/vault-keys.js";
import { openForChange } from "../reading/open-for-change.js";
import { plural } from "../text/counts.js";
import { TrustContext } from "../trust/trust-context.js";
import { SecretTwins } from "./secret-twins.js";
import { parseSecretUpdate, updateSecret, type SecretUpdateRequest, type StoredSecret } from "./secret-update.js";

/** A secret with its value, byte for byte. */
export interface SecretWithValue extends SecretUpdateRequest {
  readonly value: Uint8Array;
}

/** What to store in one change. */
export interface SetManyRequest extends ChangeRequest {
  readonly secrets: readonly SecretWithValue[];
  /** The commit's message after `agent-vault: `. */
  readonly message?: string;
}

/**
 * Stores many secrets, new ones or new values of ones that are there, in one transaction and one commit: all or none.
 * @throws VaultError what `set` throws, with the secret's name before the message, and `INVALID_NAME` for a path that is there twice
 * @example
 * await setMany(context, { vault, secrets: [{ path: "app/port", value: Buffer.from("3000") }] });
 */
export async function setMany(context: Context, request: SetManyRequest): Promise<readonly StoredSecret[]> {
  const updates = request.secrets.map((secret) => ({ update: forSecret(secret.path, () => parseSecretUpdate(secret)), secret }));
  requireDistinct(updates.map(({ update }) => update.path));
  const operation = (state: VaultState): Change<readonly StoredSecret[]> => {
    const twins = new SecretTwins(state.secretPaths());
    const updated = updates.map(({ update, secret }) => ({
      ...forSecret(secret.path, () => updateSecret(context, state, update, secret.value, twins)),
      value: secret.value,
    }));
    return {
      message: `agent-vault: ${request.message ?? `set ${plural(updated.length, "secret")}`}`,
      result: updated.map(({ stored }) => stored),
      files: async (owner, signed): Promise<FileChanges> => {
        const sets = new RecipientSets();
        const jobs = updated.map(({ path, stored, value }): ReencryptJob => {
          const recipients = state.recipientsOf(path);
          requireUniform(recipients);
          return { kind: "encrypt", name: stored.secret, file: value, recipients: sets.indexOf(recipients) };
        });
        const report = (done: number) => context.progress?.({ step: "Encrypting secrets", done, total: jobs.length });
        const encrypted = await runBatch(jobs, sets.texts, owner, report);
        const values = updated.map(({ path, stored: { version }, value }) => ({ path, value, version }));
        const kept = await keepReplaced(context, state, values, owner, signed);
        return new Map<string, Uint8Array | null>([
          ...kept,
          ...updated.flatMap(({ path, metadata }, index): [string, Uint8Array][] => [
            [secretFile(path), encrypted[index]!],
            [metadataFile(path), metadata],
          ]),
          [MANIFEST_FILE, state.manifest.toBytes()],
        ]);
      },
    };
  };
  return changeVault(context, request, operation);
}

/** What storing a value would do: make a secret, nothing, or replace another value. */
export type Effect = "new" | "unchanged" | "changed";

/**
 * Compares values with those that the vault has. No value leaves this function.
 * @returns the effect of storing each, in their order
 * @throws VaultError as a change does before it begins, and `INVALID_NAME`
 */
export async function effectOfSetting(
  context: Context,
  { vault, key }: Pick<ChangeRequest, "vault" | "key">,
  secrets: readonly Pick<SecretWithValue, "path" | "value">[],
): Promise<Effect[]> {
  const paths = secrets.map(({ path }) => parseSecretPath(path));
  const keys = await loadVaultKeys(context, vault, key);
  const effects: Effect[] = [];
  await openForChange(new TrustContext(context, vault, keys), async (state) => {
    effects.length = 0;
    const owner = await ownerIdentityAmong(keys, state);
    for (const [index, path] of paths.entries()) {
      if (!state.hasSecret(path)) effects.push("new");
      else {
        const present = await decrypt(state.ciphertext(path), [owner]);
        effects.push(Buffer.compare(present, secrets[index]!.value) === 0 ? "unchanged" : "changed");
      }
    }
  });
  return effects;
}

function requireDistinct(paths: readonly ReturnType<typeof parseSecretPath>[]): void {
  const seen = new Set<string>();
  for (const path of paths) {
    if (seen.has(path)) {
      throw new VaultError("INVALID_NAME", `${formatSecretPath(path)} is to be set twice.`, {
        remedy: "Give each secret once, or map one of them to another name.",
      });
    }
    seen.add(path);
  }
}

/** Runs a step for one of many secrets. An error says for which. */
function forSecret<T>(secret: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    if (!(error instanceof VaultError) || error.message.includes(secret)) throw error;
    throw new VaultError(error.code, `${secret}: ${error.message}`, { remedy: error.remedy, cause: error });
  }
}
