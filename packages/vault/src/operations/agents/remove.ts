import { dirname } from "node:path";
import { changeAccess, includingOutdated, reencrypt } from "../../change/reencrypt.js";
import { changeVault } from "../../change/signed-change.js";
import type { Context } from "../../context.js";
import { escrowFile, MANIFEST_FILE, publicKeyFile } from "../../format/layout.js";
import { formatSecretPath } from "../../format/names.js";
import { archiveKeyFile, requireKeyFolder } from "../../keys/key-file.js";
import { findKeyFile } from "./agent-key-file.js";
import type { AgentLoss, AgentRequest } from "./agent.js";

/**
 * Takes an agent and its access out of the vault; everything that it could read gets a new file key.
 * @throws VaultError `AGENT_NOT_FOUND`, and what a transaction throws
 */
export async function removeAgent(context: Context, request: AgentRequest): Promise<{ agent: string } & AgentLoss> {
  const { keyFile, ...result } = await changeVault(context, request, async (state) => {
    const agent = state.manifest.requireAgent(request.agent);
    const keyFile = await findKeyFile(context, state, agent);
    if (!request.dryRun && keyFile !== undefined) requireKeyFolder(context, dirname(keyFile));
    const paths = state.secretPaths();
    const edited = changeAccess(state, paths, () => state.manifest.removeAgent(agent));
    const changes = includingOutdated(state, paths, edited);
    return {
      message: `agent-vault: remove agent ${agent}`,
      result: { agent, keyFile, secrets: changes.map(({ path }) => formatSecretPath(path)) },
      files: async (owner) =>
        new Map([
          ...(await reencrypt(context, state, owner, changes)),
          [MANIFEST_FILE, state.manifest.toBytes()],
          [publicKeyFile(agent), null],
          [escrowFile(agent), null],
        ]),
    };
  });
  return { ...result, retiredKeyFile: request.dryRun || keyFile === undefined ? undefined : archiveKeyFile(context, keyFile) };
}
