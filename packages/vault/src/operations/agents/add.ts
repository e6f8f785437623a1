import { generateIdentity } from "../../age/identity.js";
import { changeSigned } from "../../change/signed-change.js";
import type { Context } from "../../context.js";
import { VaultError } from "../../errors.js";
import { MANIFEST_FILE } from "../../format/layout.js";
import type { Manifest } from "../../format/manifest.js";
import { formatSecretPath, parseAgentName } from "../../format/names.js";
import { requireNoKeyFile } from "../../keys/key-file.js";
import { placeForKey, writeNewAgentKey } from "./agent-key-file.js";
import type { AgentKeyResult, AgentRequest } from "./agent.js";
import { agentFiles } from "./escrow.js";

/**
 * Adds an agent: with a key of its own, escrowed to the owners, and no access to anything yet.
 * @throws VaultError `ALREADY_EXISTS`, `INVALID_NAME`, and what a transaction throws
 */
export async function addAgent(context: Context, request: AgentRequest): Promise<AgentKeyResult> {
  const agent = parseAgentName(request.agent);
  const { result: made, signed } = await changeSigned(context, request, async (state) => {
    const { manifest } = state;
    requireNewName(manifest, agent);
    const { keyFile } = await placeForKey(context, state, agent, request);
    if (!request.dryRun) requireNoKeyFile(context, keyFile);
    const identity = await generateIdentity(state.owners[0]!.recipient.kind);
    dropFormerGrants(context, manifest, agent);
    manifest.addAgent(agent);
    return {
      message: `agent-vault: add agent ${agent}`,
      result: { agent, recipient: await identity.recipient(), keyFile, identity },
      files: async (owner) => new Map([[MANIFEST_FILE, manifest.toBytes()], ...(await agentFiles(state, owner, agent, identity))]),
    };
  });
  const { identity, ...result } = made;
  if (!request.dryRun) await writeNewAgentKey(context, signed, agent, result.keyFile, identity);
  return result;
}

function requireNewName(manifest: Manifest, agent: string): void {
  const twin = [...manifest.agents.keys()].find((name) => name.toLowerCase() === agent.toLowerCase());
  if (twin === undefined) return;
  throw new VaultError("ALREADY_EXISTS", `There is an agent ${twin} already.`, {
    remedy: `For its key on this machine run agent-vault restore-agent ${twin}; for a new key, agent-vault recover-agent ${twin}.`,
  });
}

function dropFormerGrants(context: Context, manifest: Manifest, agent: string): void {
  const dropped = manifest.dropDanglingGrants(agent);
  if (dropped.length === 0) return;
  context.warn(
    `manifest.yaml still granted a former agent ${agent} ${dropped.map(formatSecretPath).join(", ")}. The new agent does not get these grants; grant it what it needs.`,
  );
}
