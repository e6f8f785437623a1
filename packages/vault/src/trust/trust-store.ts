import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Context } from "../context.js";
import { replaceFile } from "../disk/atomic-file.js";
import { isSystemError, NO_HOME, VaultError } from "../errors.js";
import type { Digest } from "../lock/digest.js";
import type { StateRef } from "../lock/state-ref.js";
import { parseSshPublicKey, type SshPublicKey } from "../lock/ssh-signature.js";

export type { StateRef };

/** What this person's machine knows of a vault, whatever a repository says: the newest state that was verified, and who may sign the next. */
export interface TrustRecord extends StateRef {
  /** Keys from outside the repository that vouched for this; none where the first key that was seen was taken on its word. */
  readonly pinned: readonly SshPublicKey[];
  readonly owners: readonly SshPublicKey[];
  /** Whether a policy decides over uses in that state. */
  readonly policy?: boolean | undefined;
  /** The newest state that was seen on a remote's branch or pushed to it, by its URL and branch. */
  readonly remotes: Readonly<Record<string, StateRef>>;
}

/** The absolute path of the file in which this machine remembers a vault. */
export const trustFile = (context: Context, vaultId: string): string => join(context.home, "trust", `${vaultId}.json`);

/** What is remembered of a vault, or `undefined`. @throws VaultError `DAMAGED` where the file cannot be read or is not what was written */
export function readTrust(context: Context, vaultId: string): TrustRecord | undefined {
  const file = trustFile(context, vaultId);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (isSystemError(error, "ENOENT", "ENOTDIR")) return undefined;
    if (!isSystemError(error)) throw error;
    throw new VaultError("DAMAGED", `${file} could not be read (${error.code}), and it holds what is remembered of this vault.`, {
      remedy: "Make it a file that you can read, and check the permissions of its folders.",
      cause: error,
    });
  }
  const memory = parse(text, vaultId);
  if (memory) return memory;
  // To go on without it would be to forget what protects from an old state.
  throw new VaultError("DAMAGED", `${file} does not hold what is remembered of this vault.`, {
    remedy: "Restore it from a backup; or remove it, after comparing the vault's newest commit with an owner's.",
  });
}

/** Writes what is remembered, whole or not at all; says so where it cannot be written, since reading goes on without it. */
export function writeTrust(context: Context, vaultId: string, memory: TrustRecord): void {
  const file = trustFile(context, vaultId);
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    replaceFile(file, `${JSON.stringify({ version: 1, vault: vaultId, ...memory }, null, 2)}\n`, { durable: true });
  } catch (error) {
    const reason = error instanceof VaultError ? error.cause : error;
    if (!isSystemError(reason)) throw error;
    const noHome = file.startsWith(NO_HOME);
    context.warn(
      `The state of this vault could not be remembered${noHome ? ", as you have no home folder" : ` in ${file} (${reason.code})`}, so an older one would not be noticed.`,
    );
  }
}

function parse(text: string, vaultId: string): TrustRecord | undefined {
  try {
    const { version, vault, sequence, lock, pinned, owners, policy, remotes } = JSON.parse(text) as Record<string, unknown>;
    const seen = seenState({ sequence, lock });
    if (version !== 1 || vault !== vaultId || !seen) return undefined;
    const states = Object.entries(remotes as object).map(([remote, state]) => [remote, seenState(state as object)] as const);
    if (states.some(([, state]) => state === undefined)) return undefined;
    const learnt = { pinned: keys(pinned), owners: keys(owners), policy: policy === true };
    return { ...learnt, ...seen, remotes: Object.fromEntries(states) as Record<string, StateRef> };
  } catch {
    return undefined;
  }
}

function seenState({ sequence, lock }: { sequence?: unknown; lock?: unknown }): StateRef | undefined {
  const isState = Number.isSafeInteger(sequence) && typeof lock === "string" && /^sha256:[0-9a-f]{64}$/.test(lock);
  return isState ? { sequence: sequence as number, lock: lock as Digest } : undefined;
}

function keys(values: unknown): SshPublicKey[] {
  return (values as string[]).map((value) => {
    const key = parseSshPublicKey(value);
    if (!key) throw new Error("no key");
    return key;
  });
}
