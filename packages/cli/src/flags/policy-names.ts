import { listSecrets, type VaultState } from "@agent-vault/vault";
import { requestedSecret, type KnownNames } from "@agent-vault/runner";

/** What a vault's policy can name. */
export function knownNames(state: VaultState): KnownNames {
  return {
    secrets: listSecrets(state).map(requestedSecret),
    agents: [...state.manifest.agents.keys()],
    owners: state.owners.map(({ name }) => name),
  };
}
