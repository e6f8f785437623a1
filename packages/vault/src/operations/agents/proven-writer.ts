import type { Identity } from "../../age/identity.js";
import type { Context } from "../../context.js";
import { VaultError } from "../../errors.js";
import type { VaultState } from "../../files/vault-state.js";
import { identitiesInHome } from "../../keys/find-key.js";
import { NO_COMMENTS } from "../../keys/key-comments.js";
import { identifyPrincipal, type Principal } from "../../keys/principal.js";
import { isProvenBy, type OpenedHeader } from "../../spool/segment-header.js";
import { openEscrow } from "./escrow.js";

/**
 * Who wrote a segment of a spool, where that can be proved with one of the given identities, one of this home, or an agent's escrow.
 * @returns `undefined` where it cannot be proved: anyone who can encrypt to an owner may have written it
 */
export async function provenWriter(
  context: Context,
  state: VaultState,
  header: OpenedHeader,
  identities: readonly Identity[],
): Promise<Principal | undefined> {
  for await (const identity of candidates(context, state, header.identity, identities)) {
    if (!isProvenBy(header, identity)) continue;
    return identifyPrincipal(state, { identities: [identity], source: "", comments: NO_COMMENTS, isOwners: false, isProtected: false });
  }
  return undefined;
}

/** The identities whose recipient this is. */
async function* candidates(
  context: Context,
  state: VaultState,
  recipient: string,
  identities: readonly Identity[],
): AsyncGenerator<Identity> {
  for (const identity of [...identities, ...identitiesInHome(context)]) if ((await identity.recipient()) === recipient) yield identity;
  for (const agent of state.escrowedAgents()) {
    for (const owner of identities) {
      try {
        if (state.agentRecipient(agent).text === recipient) yield await openEscrow(state, agent, owner);
      } catch (error) {
        if (!(error instanceof VaultError)) throw error;
      }
    }
  }
}
