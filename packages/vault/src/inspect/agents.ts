import { escrowFile, MANIFEST_FILE, publicKeyFile } from "../format/layout.js";
import type { Manifest } from "../format/manifest.js";
import { damageAsFinding, removal, shellPath } from "./damage.js";
import type { Finding } from "./finding.js";
import type { InspectedVault } from "./inspected-vault.js";
import { recipientDifference } from "./readers.js";

/** Whether each agent has groups, keys and an escrow, and whether each key file belongs to an agent. */
export function* inspectAgents(vault: InspectedVault): Generator<Finding> {
  const { state, manifest } = vault;
  if (!manifest) return;
  for (const [agent, groups] of manifest.agents) {
    const renewal = `Give it a new key: agent-vault recover-agent ${agent}.`;
    yield* inspectGroupsOf(vault, manifest, agent, groups);
    yield* damageAsFinding(state, agent, publicKeyFile(agent), inspectPublicKey(vault, agent, renewal), renewal);
    yield* damageAsFinding(state, agent, escrowFile(agent), inspectEscrow(vault, agent, renewal), renewal);
  }
  yield* inspectKeyFiles(vault, manifest);
}

function* inspectGroupsOf({ readers }: InspectedVault, manifest: Manifest, agent: string, groups: ReadonlySet<string>): Generator<Finding> {
  for (const group of groups) {
    if (manifest.groups.has(group)) continue;
    const message = `Agent ${agent} is in group ${group}, which does not exist.`;
    yield warning("unknown-group", agent, message, `Make the group with its first secret: agent-vault set ${group}/NAME.`);
  }
  if (readers.has(agent)) return;
  const remedy = `Grant it something: agent-vault grant ${agent} GROUP; or remove it: agent-vault remove-agent ${agent}.`;
  yield warning("agent-without-access", agent, `Agent ${agent} can read nothing.`, remedy);
}

function* inspectPublicKey({ state, files }: InspectedVault, agent: string, renewal: string): Generator<Finding> {
  if (files.has(publicKeyFile(agent))) return void state.agentRecipient(agent);
  const message = `Agent ${agent} has no public key, so nothing can be encrypted to it.`;
  yield { severity: "error", kind: "agent-without-key", subject: agent, message, remedy: renewal, file: MANIFEST_FILE };
}

function* inspectEscrow(vault: InspectedVault, agent: string, renewal: string): Generator<Finding> {
  const file = escrowFile(agent);
  const escrow = vault.state.read(file);
  if (!escrow) {
    yield warning("escrow-missing", agent, `Agent ${agent} has no escrow, so its key cannot be restored.`, renewal);
    return;
  }
  const difference = recipientDifference(vault, escrow, 0);
  if (difference === undefined) return;
  const message = `The escrow of ${agent} ${difference}`;
  yield { severity: "error", kind: "escrow-recipients-differ", subject: agent, message, remedy: renewal, file };
}

/** Key files that belong to nobody whom the manifest names. */
function* inspectKeyFiles({ state, files }: InspectedVault, manifest: Manifest): Generator<Finding> {
  const ownerFiles = new Set(manifest.owners.map((owner) => owner.file));
  for (const [file, found] of files) {
    if (found.kind === "owner" && found.name !== undefined && !ownerFiles.has(file)) {
      const message = `${file} is not the key of an owner whom the manifest names.`;
      yield { severity: "warning", kind: "stray", subject: file, message, remedy: removal(state, file), file };
    }
    if (found.kind === "public-key" && !manifest.agents.has(found.agent)) {
      const message = `There are keys of ${found.agent}, which is not an agent of this vault.`;
      const remedy = `Remove them: rm -r ${shellPath(state, `agents/${found.agent}`)}.`;
      yield { severity: "warning", kind: "unknown-agent", subject: found.agent, message, remedy, file };
    }
  }
}

/** A warning about what the manifest says of an agent. */
function warning(kind: Finding["kind"], agent: string, message: string, remedy: string): Finding {
  return { severity: "warning", kind, subject: agent, message, remedy, file: MANIFEST_FILE };
}
