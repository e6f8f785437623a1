import type { VaultFiles } from "../files/vault-files.js";
import { STATES_FILE } from "../format/layout.js";
import { Ancestry } from "../lock/ancestry.js";
import type { SignedLock } from "../lock/open-lock.js";
import { signerLocks } from "../lock/signer-locks.js";
import { SignedFiles } from "../lock/signed-files.js";
import { TreeListCache } from "../lock/tree-list-cache.js";
import { Lineage } from "./lineage.js";
import type { TrustContext } from "./trust-context.js";

/** Holds the files of a state to its lock. @returns what the state says is behind it, read once somebody asks */
export function holdToLock(trust: TrustContext, files: VaultFiles, signed: SignedLock): Lineage {
  files.vouch(new SignedFiles(signed.lock, files.source, { lists: new TreeListCache(trust.context, signed.lock.vault) }));
  const states = () => Ancestry.parse(files.read(STATES_FILE));
  const owners = () => signerLocks(files, signed.lock.vault).flatMap(({ lock }) => lock.owners.map(({ key }) => key));
  return new Lineage(signed, states, owners, trust.history);
}
