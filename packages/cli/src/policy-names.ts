import { requestedSecret, type KnownNames } from "@agent-vault/runner";
import { listSecrets, type VaultState } from "@agent-vault/vault";

/** What the policy of a vault can name. */
export function knownNames(state: VaultState): KnownNames {
  return {
    secrets: listSecrets(state).map(requestedSecret),
    agents: [...state.manifest.agents.keys()],
    owners: state.owners.map(({ name }) => name),
  };
}
