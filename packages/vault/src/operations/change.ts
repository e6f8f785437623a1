import type { Identity } from "../age/identity.js";
import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import { adoptExtraAgents, housekeeping } from "../housekeeping.js";
import { loadKeys, type KeyChoice } from "../key-files.js";
import { ownerAmong } from "../owner-key.js";
import { recoverVault } from "../recovery.js";
import { requireQuietRepository, transact, type Files } from "../transaction.js";
import { VaultState } from "../vault-state.js";

/** What every operation of an owner takes. */
export interface ChangeRequest {
  /** Absolute path of the vault's folder, from `findVault` or `init`. */
  readonly vault: string;
  readonly key?: KeyChoice;
  /** Say what would change, for whom, and change nothing. */
  readonly dryRun?: boolean;
}

/** What an operation works out from the state: a commit message, what to tell the caller, and the files beyond the usual. */
export interface Change<R> {
  readonly message: string;
  readonly result: R;
  files(owner: Identity): Files | Promise<Files>;
}

/**
 * Runs an owner's operation as one transaction: the owner's key first, then the operation, then what every change brings along.
 * Whatever a person is asked for comes before the transaction, so that nobody waits for them, and after a trial run on the present
 * state, so that they type nothing in vain.
 * @param operation works out the change; it writes nothing, and may be called more than once
 * @param ask gets from the person what the operation still lacks
 */
export async function changeVault<R>(
  context: Context,
  request: ChangeRequest,
  operation: (state: VaultState) => Change<R> | Promise<Change<R>>,
  ask?: () => Promise<void>,
): Promise<R> {
  const { vault, key, dryRun = false } = request;
  const plan = (state: VaultState) => {
    const twice = state.manifest.problems.find((problem) => problem.endsWith("stands twice"));
    if (twice)
      throw new VaultError("INVALID_MANIFEST", `manifest.yaml: ${twice}.`, {
        remedy: "Make one entry of the two, then run the command again.",
      });
    adoptExtraAgents(state);
    return operation(state);
  };
  const tryOut = async () => {
    if (!dryRun) await requireQuietRepository(context, vault);
    await plan(new VaultState(vault));
  };

  if (!dryRun) await recoverVault(context, vault);
  const keys = await loadKeys(askingAfter(tryOut, context), { ...key, vaultId: () => new VaultState(vault).config.id });
  if (ask) {
    await ownerAmong(keys, new VaultState(vault));
    await tryOut();
    await ask();
  }
  return transact(
    context,
    vault,
    async (state) => {
      const owner = await ownerAmong(keys, state);
      const change = await plan(state);
      return { ...change, files: async () => new Map([...housekeeping(context, state), ...(await change.files(owner))]) };
    },
    { dryRun },
  );
}

/** A context that asks for a passphrase only after a trial that does not fail. */
function askingAfter(tryOut: () => Promise<void>, context: Context): Context {
  if (!context.passphrase) return context;
  return {
    ...context,
    passphrase: async (keyFile) => {
      await tryOut();
      return context.passphrase!(keyFile);
    },
  };
}
