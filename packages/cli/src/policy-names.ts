import { requestedSecret, reviewRestrictions, type KnownNames, type Restrictions } from "@agent-vault/runner";
import { listSecrets, openState, type Context, type KeyChoice, type VaultState } from "@agent-vault/vault";

/** What the policy of a vault, or a token for it, can name. */
export function knownNames(state: VaultState): KnownNames {
  return {
    secrets: listSecrets(state).map(requestedSecret),
    agents: [...state.manifest.agents.keys()],
    owners: state.owners.map(({ name }) => name),
  };
}

/** Warns of restrictions of a token that match nothing in the vault. @param root the vault's folder @throws VaultError as `openState` */
export async function warnOfUnknownNames(context: Context, root: string, key: KeyChoice, restrictions: Restrictions): Promise<void> {
  const known = knownNames(await openState(context, root, key));
  for (const problem of reviewRestrictions(restrictions, known)) context.warn(`${problem} Check its spelling.`);
}
