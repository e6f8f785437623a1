import { generateIdentity } from "../../age/identity.js";
import { parseRecipient } from "../../age/recipient.js";
import { includingOutdated, reencrypt, reencrypted } from "../../change/reencrypt.js";
import { changeSigned } from "../../change/signed-change.js";
import type { FileChanges } from "../../files/changes.js";
import type { Context } from "../../context.js";
import { formatSecretPath, parseAgentName } from "../../format/names.js";
import { archiveFormerKey, placeForKey, requireFreePlace, writeNewAgentKey } from "./agent-key-file.js";
import type { AgentKeyResult, AgentLoss, AgentRequest } from "./agent.js";
import { agentFiles } from "./escrow.js";

/**
 * Gives an agent a new key, for when the old one is lost or in wrong hands: all that it reads is encrypted again, and the old key opens
 * none of it.
 * @throws VaultError `AGENT_NOT_FOUND`, and what a transaction throws
 */
export async function recoverAgent(context: Context, request: AgentRequest): Promise<AgentKeyResult & AgentLoss> {
  const agent = parseAgentName(request.agent);
  const { result: made, signed } = await changeSigned(context, request, async (state) => {
    state.manifest.requireAgent(agent);
    const place = await placeForKey(context, state, agent, request);
    if (!request.dryRun) requireFreePlace(context, place);
    const paths = state.secretPaths().filter((path) => state.agentsOf(path).includes(agent));
    const identity = await generateIdentity(state.owners[0]!.recipient.kind);
    const recipient = await identity.recipient();
    const changes = paths.map((path) => reencrypted(state, path));
    return {
      message: `agent-vault: recover agent ${agent}`,
      result: { agent, recipient, keyFile: place.keyFile, secrets: paths.map(formatSecretPath), identity, place },
      files: async (owner): Promise<FileChanges> => {
        state.replaceAgentRecipient(agent, parseRecipient(recipient));
        const all = includingOutdated(state, state.secretPaths(), changes);
        return new Map([...(await reencrypt(context, state, owner, all)), ...(await agentFiles(state, owner, agent, identity))]);
      },
    };
  });
  const { identity, place, ...result } = made;
  if (request.dryRun) return { ...result, retiredKeyFile: undefined };
  const retiredKeyFile = archiveFormerKey(context, place);
  await writeNewAgentKey(context, signed, agent, result.keyFile, identity);
  return { ...result, retiredKeyFile };
}
