import type { Keys, Principal } from "./keys.js";
import { publicKeyFile } from "../format/layout.js";
import { derivedKeys } from "./signing-key.js";
import type { VaultFiles } from "../files/vault-files.js";

export type { Principal };

/** Who the vault knows the keys as. @param files verified, where they are signed */
export async function identifyPrincipal(files: VaultFiles, keys: Keys): Promise<Principal> {
  const recipients = await Promise.all(keys.identities.map((identity) => identity.recipient()));
  const lock = files.signed?.lock;
  const signing = lock ? derivedKeys(keys, lock.vault) : [];
  for (const { name, key } of lock?.owners ?? []) {
    const index = signing.indexOf(key);
    if (index >= 0) return { role: "owner", name, identity: recipients[index]! };
  }
  const likely = keys.comments.agent;
  for (const agent of files.escrowedAgents().toSorted((a, b) => Number(b === likely) - Number(a === likely))) {
    const index = recipients.indexOf(new TextDecoder().decode(files.read(publicKeyFile(agent))).trim());
    if (index >= 0) return { role: "agent", name: agent, identity: recipients[index]! };
  }
  return { role: keys.isOwners ? "owner" : "unknown", name: undefined, identity: recipients[0]! };
}
