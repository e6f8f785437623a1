import { decrypt } from "./age/decrypt.js";
import type { Context } from "./context.js";
import { VaultError } from "./errors.js";
import { VaultFolder } from "./folder.js";
import { isJudged, presentedToken, type Judge } from "./judge.js";
import { keysAtHand, loadKeys, type KeyChoice, type Keys } from "./key-files.js";
import { formatSecretPath, parseSecretPath } from "./names.js";
import { pull } from "./pull.js";
import { actorOf, recordFailure } from "./record.js";
import { namingFiles } from "./trust/naming-files.js";
import { vaultIdIn } from "./trust/open-lock.js";
import { VaultTrust } from "./trust/vault-trust.js";
import { VaultFiles } from "./vault-files.js";

export interface SecretValue {
  /** The path as it is shown: without `default/`. */
  readonly secret: string;
  /** Exactly the bytes that were set. */
  readonly value: Uint8Array;
}

/** How a secret is read. */
export interface ReadOptions {
  readonly key?: KeyChoice;
  /** Bring the vault up to date with its upstream first; `true` unless set. */
  readonly pull?: boolean;
  /** A token that stands for the key; without it `AGENT_VAULT_TOKEN` counts. */
  readonly token?: string | undefined;
  /** Decides over the read where more does than the key. */
  readonly judge?: Judge | undefined;
}

/**
 * Reads one secret with the key of an owner or of an agent that was granted it, after its vault's state and its group's files have
 * been found to be what the owner signed. The use goes on record before the value is given out.
 * @param root absolute path of the vault's folder
 * @throws VaultError `SECRET_NOT_FOUND`, `NOT_AUTHORIZED`, `DAMAGED`, `INVALID_NAME`, `LINK_IN_VAULT`, and what {@link loadKeys},
 *   {@link pull}, {@link VaultTrust} and the recorder throw
 */
export async function readSecret(context: Context, root: string, path: string, options: ReadOptions = {}): Promise<SecretValue> {
  const secretPath = parseSecretPath(path);
  const keys = await loadKeys(context, { ...options.key, vaultId: () => vaultIdIn(new VaultFolder(root)) });
  if (options.pull ?? true) await pull(context, root, { keys });
  const files = new VaultFiles(root);
  const state = await new VaultTrust(context, root, keys).verify(files);
  const secret = formatSecretPath(secretPath);
  const actor = actorOf(files, keys, state?.lock.vault);
  let value: Uint8Array;
  let judged: Awaited<ReturnType<Judge>> = {};
  try {
    const ciphertext = await namingFiles(context, root, () => files.ciphertext(secretPath));
    if (options.judge && (state?.isUnderPolicy || isJudged(context, files, options.token))) {
      state?.requireLatest();
      judged = await options.judge(context, { files, actor, path: secretPath });
    }
    value = await openSecret(ciphertext, secret, keys);
  } catch (error) {
    await recordFailure(context, actor, error, [secret]);
    throw error;
  }
  await context.recorder?.record(context, actor, { outcome: "done", secrets: [secret], ...judged });
  state?.remember();
  return { secret, value };
}

/**
 * Sees that a secret is there, without opening it. Where a key is at hand, the look goes on record as a use does.
 * @returns the path as it is shown
 * @throws VaultError `SECRET_NOT_FOUND`, `INVALID_NAME`, and as {@link readSecret}
 */
export async function peekSecret(
  context: Context,
  root: string,
  path: string,
  { key = {}, judge }: Pick<ReadOptions, "key" | "judge"> = {},
): Promise<string> {
  const secretPath = parseSecretPath(path);
  const secret = formatSecretPath(secretPath);
  const keys = keysAtHand(context, { ...key, vaultId: () => vaultIdIn(new VaultFolder(root)) });
  const files = new VaultFiles(root);
  const state = await new VaultTrust(context, root, keys).verify(files);
  await namingFiles(context, root, () => files.ciphertext(secretPath));
  if (keys) {
    const actor = actorOf(files, keys, state?.lock.vault);
    const judged = judge && presentedToken(context) !== undefined ? await judge(context, { files, actor, path: secretPath }) : {};
    await context.recorder?.record(context, actor, { outcome: "done", secrets: [secret], ...judged });
  }
  state?.remember();
  return secret;
}

/** Decrypts a secret's file and names the secret in what goes wrong. */
export async function openSecret(file: Uint8Array, secret: string, { identities, source }: Keys): Promise<Uint8Array> {
  try {
    return await decrypt(file, identities);
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    if (error.code === "NOT_AUTHORIZED") {
      throw new VaultError("NOT_AUTHORIZED", `The key in ${source} does not open ${secret}.`, {
        remedy: "Ask an owner for access (agent-vault grant AGENT GROUP), or give another key with --key FILE.",
        cause: error,
      });
    }
    throw new VaultError(error.code, `${secret}: ${error.message}`, { ...(error.remedy && { remedy: error.remedy }), cause: error });
  }
}
