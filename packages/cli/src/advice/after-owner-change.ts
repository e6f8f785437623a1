import { Flags } from "@oclif/core";
import type { OwnersChange, RotateOwnerResult } from "@agent-vault/vault";
import { rotationAdvice } from "./rotation.js";

export const recoverAgentsFlag = Flags.boolean({
  description: "give every agent a new key as well, since the old ones lie in escrow in git's history",
});

interface Given {
  readonly "dry-run"?: boolean | undefined;
  readonly "recover-agents"?: boolean | undefined;
}

/** Where agents that got a new key have it. */
export function* newAgentKeys({ agents }: OwnersChange, flags: Given): Generator<string> {
  for (const { agent, keyFile, retiredKeyFile } of agents) {
    yield `Agent ${agent} ${flags["dry-run"] ? "would have" : "has"} a new key in ${keyFile}.`;
    if (retiredKeyFile) yield `Its former key file is now ${retiredKeyFile}.`;
  }
}

/** What an owner's key that has had its day can still do. */
export function* retiredOwnerAdvice(who: string, secrets: readonly string[], flags: Given): Generator<string> {
  yield `${who} still opens what lies in git's history: every secret's old values and, by the escrows, the keys that agents had then.`;
  if (!flags["recover-agents"])
    yield `If it is in wrong hands, those agents' keys are too: agent-vault recover-agent NAME for each, or --recover-agents with this command.`;
  yield* rotationAdvice(who, secrets);
}

/** What became of an owner's key. */
export function* rotatedOwnerInWords(rotated: RotateOwnerResult, flags: Given): Generator<string> {
  const { owner, keyFile, retiredKeyFile, otherVaults } = rotated;
  if (flags["dry-run"]) yield `Would give ${owner} a new key for this vault in ${keyFile}.`;
  else yield `${owner} has a new key for this vault in ${keyFile}. Back it up: whoever holds it opens every secret.`;
  if (retiredKeyFile) yield `The former key file is now ${retiredKeyFile}; it opens nothing but old commits.`;
  if (otherVaults.length > 0)
    yield `The former key is still an owner's of other vaults (${otherVaults.join(", ")}), so it stays where it is. Rotate it there, too.`;
  yield* newAgentKeys(rotated, flags);
  yield* retiredOwnerAdvice(`${owner}'s former key`, flags["recover-agents"] ? rotated.secrets : [], flags);
}
