import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import { formatSecretPath } from "../format/names.js";
import { changeAccess, gainedAndLost, reencrypt, includingOutdated } from "../change/reencrypt.js";
import type { VaultState } from "../files/vault-state.js";
import { plural } from "../text/counts.js";
import { changeVault, type ChangeRequest } from "../change/signed-change.js";
import { parseTarget, secretsOf, type Target } from "./grant.js";

/** What to take from whom. */
export interface RevokeRequest extends ChangeRequest {
  readonly agent: string;
  /** A group, or a secret's path with a `/`. */
  readonly target: string;
}

/** What the agent can no longer read, and what it still can. */
export interface RevokeResult {
  readonly agent: string;
  readonly target: Target;
  /** Secrets that the agent can no longer read. It has seen their values, so they are to be rotated at the source. */
  readonly secrets: readonly string[];
  /** Secrets of the target that it still reads, by another group. */
  readonly stillRead: readonly { readonly secret: string; readonly groups: readonly string[] }[];
}

/**
 * Takes a group or one secret from an agent. Every file that it loses gets a new file key and a new payload.
 * A group's revoke takes extra grants on the group's secrets as well: after it the agent reads nothing through this group.
 * @throws VaultError `NOT_GRANTED` where there is nothing to take, `AGENT_NOT_FOUND`, `GROUP_NOT_FOUND`, `SECRET_NOT_FOUND`, and what a transaction throws
 */
export function revoke(context: Context, request: RevokeRequest): Promise<RevokeResult> {
  return changeVault(context, request, (state) => {
    const agent = state.manifest.requireAgent(request.agent);
    const target = parseTarget(state, request.target);
    const covered = secretsOf(state, target);
    const granted =
      (target.kind === "group" && state.manifest.agents.get(agent)!.has(target.group)) ||
      covered.some((path) => state.manifest.extraAgents.get(path)?.has(agent));
    const changes = changeAccess(state, covered, () => {
      if (target.kind === "group") state.manifest.leaveGroup(agent, target.group);
      for (const path of covered) state.manifest.removeExtraAgent(path, agent);
    });
    const reencryptions = includingOutdated(state, covered, changes);
    if (!granted && reencryptions.length === 0) throw notGranted(state, agent, target);
    const secrets = changes.filter((change) => gainedAndLost(change).lost.includes(agent)).map(({ path }) => formatSecretPath(path));
    const groups = state.manifest.agents.get(agent)!;
    const stillRead = covered
      .filter((path) => state.agentsOf(path).includes(agent))
      .map((path) => ({ secret: formatSecretPath(path), groups: state.manifest.groupsOf(path).filter((group) => groups.has(group)) }));
    return {
      message: `agent-vault: revoke ${request.target} from ${agent}`,
      result: { agent, target, secrets, stillRead },
      files: (owner) => reencrypt(context, state, owner, reencryptions),
    };
  });
}

function notGranted(state: VaultState, agent: string, target: Target): VaultError {
  const groups = [...state.manifest.agents.get(agent)!];
  const by = target.kind === "secret" ? state.manifest.groupsOf(target.path).filter((group) => groups.includes(group)) : [];
  const name = target.kind === "group" ? `group ${target.group}` : formatSecretPath(target.path);
  if (by.length > 0) {
    return new VaultError("NOT_GRANTED", `Agent ${agent} reads ${name} through ${by.join(", ")}, not through a grant of its own.`, {
      remedy: `Revoke the group: agent-vault revoke ${agent} ${by[0]}. Or move the secret to another group: agent-vault set ${name} --keep-value --group GROUP --remove-group ${by[0]}.`,
    });
  }
  return new VaultError("NOT_GRANTED", `Agent ${agent} was not granted ${name}, so nothing was changed.`, {
    remedy: `${groups.length > 0 ? `It was granted ${plural(groups.length, "group")}: ${groups.join(", ")}. ` : ""}agent-vault list-agents shows what each agent can read.`,
  });
}
