import type { Identity } from "../age/identity.js";
import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import { adoptExtraAgents, housekeeping } from "../housekeeping.js";
import type { KeyChoice } from "../key-files.js";
import { loadOwnerKey } from "../owner-key.js";
import { transact, type Files } from "../transaction.js";
import type { VaultState } from "../vault-state.js";

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
  files(): Files | Promise<Files>;
}

/** Runs an owner's operation as one transaction: the owner's key first, then the operation, then what every change brings along. */
export function changeVault<R>(
  context: Context,
  request: ChangeRequest,
  operation: (state: VaultState, owner: Identity) => Change<R> | Promise<Change<R>>,
): Promise<R> {
  return transact(
    context,
    request.vault,
    async (state) => {
      const twice = state.manifest.problems.find((problem) => problem.endsWith("stands twice"));
      if (twice)
        throw new VaultError("INVALID_MANIFEST", `manifest.yaml: ${twice}.`, {
          remedy: "Make one entry of the two, then run the command again.",
        });
      const owner = await loadOwnerKey(context, state, request.key ?? {});
      adoptExtraAgents(state);
      const change = await operation(state, owner);
      return { ...change, files: async () => new Map([...housekeeping(context, state), ...(await change.files())]) };
    },
    request.dryRun === undefined ? {} : { dryRun: request.dryRun },
  );
}
