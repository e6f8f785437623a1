import { Flags } from "@oclif/core";
import type { OwnersChange, RotateOwnerResult } from "@agent-vault/vault";
import { rotationAdvice } from "./rotation.js";

/** The flag that replaces the agents' keys together with an owner's. */
export const recoverAgentsFlag = Flags.boolean({
  description: "also replace every agent's key, since the owner key opens their escrow in git's history",
});

interface OwnerChangeFlags {
  readonly "dry-run"?: boolean | undefined;
  readonly "recover-agents"?: boolean | undefined;
}

/** Where the new keys of agents are. */
export function* newAgentKeys({ agents }: OwnersChange, flags: OwnerChangeFlags): Generator<string> {
  for (const { agent, keyFile, retiredKeyFile } of agents) {
    yield `Agent ${agent} ${flags["dry-run"] ? "would have" : "has"} a new key in ${keyFile}.`;
    if (retiredKeyFile) yield `Its former key file is now ${retiredKeyFile}.`;
  }
}

/** What a retired owner key can still do. */
export function* retiredOwnerAdvice(who: string, secrets: readonly string[], flags: OwnerChangeFlags): Generator<string> {
  yield `${who} still opens git's history: the old values of all secrets and, through the escrow, the agents' keys of that time.`;
  if (!flags["recover-agents"])
    yield `If it was stolen, replace the agents' keys too: run agent-vault recover-agent NAME for each, or this command with --recover-agents.`;
  yield* rotationAdvice(who, secrets);
}

/** What happened to an owner's key. */
export function* formatRotatedOwner(rotated: RotateOwnerResult, flags: OwnerChangeFlags): Generator<string> {
  const { owner, keyFile, retiredKeyFile, otherVaults } = rotated;
  if (flags["dry-run"]) yield `Would give ${owner} a new key for this vault in ${keyFile}.`;
  else yield `${owner} has a new key for this vault in ${keyFile}. Back it up: it opens every secret.`;
  if (retiredKeyFile) yield `The former key file is now ${retiredKeyFile}. It opens only old commits.`;
  if (otherVaults.length > 0)
    yield `The former key still belongs to an owner of other vaults (${otherVaults.join(", ")}), so it stays where it is. Rotate it there too.`;
  yield* newAgentKeys(rotated, flags);
  yield* retiredOwnerAdvice(`${owner}'s former key`, flags["recover-agents"] ? rotated.secrets : [], flags);
}
