import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import { formatSecretPath, parseSecretPath, type SecretPath } from "../format/names.js";
import { changeAccess, gainedAndLost, reencrypt } from "../change/reencrypt.js";
import type { VaultState } from "../files/vault-state.js";
import { changeVault, type ChangeRequest } from "../change/signed-change.js";

/** A group, or one secret by its path (`group/name`). */
export type Target = { readonly kind: "group"; readonly group: string } | { readonly kind: "secret"; readonly path: SecretPath };

/** Whom to grant what. */
export interface GrantRequest extends ChangeRequest {
  readonly agent: string;
  /** A group, or a secret's path with a `/`. */
  readonly target: string;
}

/** What the agent can read now. */
export interface GrantResult {
  readonly agent: string;
  readonly target: Target;
  /** Secrets that it could not read before, in the vault's order. */
  readonly secrets: readonly string[];
  /** Whether it had this grant before, so nothing was changed. */
  readonly already: boolean;
}

/**
 * Lets an agent read a group, with all that it will ever list, or one secret.
 * @throws VaultError `AGENT_NOT_FOUND`, `GROUP_NOT_FOUND`, `SECRET_NOT_FOUND`, and what a transaction throws
 */
export function grant(context: Context, request: GrantRequest): Promise<GrantResult> {
  return changeVault(context, request, (state) => {
    const agent = state.manifest.requireAgent(request.agent);
    const target = targetOfGrant(state, request.target);
    const already =
      target.kind === "group" ? state.manifest.agents.get(agent)!.has(target.group) : state.agentsOf(target.path).includes(agent);
    const changes = changeAccess(state, secretsOf(state, target), () => {
      if (target.kind === "group") state.manifest.joinGroup(agent, target.group);
      else if (!state.agentsOf(target.path).includes(agent)) state.manifest.addExtraAgent(target.path, agent);
    });
    const secrets = changes.filter((change) => gainedAndLost(change).gained.includes(agent)).map(({ path }) => formatSecretPath(path));
    return {
      message: `agent-vault: grant ${request.target} to ${agent}`,
      result: { agent, target, secrets, already },
      files: (owner) => reencrypt(context, state, owner, changes),
    };
  });
}

/** As {@link parseTarget}; a group that does not exist may be one that is still to be made. */
function targetOfGrant(state: VaultState, text: string): Target {
  try {
    return parseTarget(state, text);
  } catch (error) {
    if (!(error instanceof VaultError) || error.code !== "GROUP_NOT_FOUND" || text.includes("/")) throw error;
    const make = `To make the group, store its first secret: agent-vault set ${text}/NAME.`;
    throw new VaultError(error.code, error.message, { remedy: `${error.remedy} ${make}`, cause: error });
  }
}

/** What a text names in a vault. @throws VaultError `GROUP_NOT_FOUND`, `SECRET_NOT_FOUND`, `INVALID_NAME` */
export function parseTarget(state: VaultState, text: string): Target {
  if (!text.includes("/") && !state.manifest.groups.has(text) && isDefaultSecret(state, text)) {
    throw new VaultError("GROUP_NOT_FOUND", `${text} is a secret and not a group.`, {
      remedy: `To name the secret, write default/${text}.`,
    });
  }
  if (!text.includes("/")) return { kind: "group", group: state.manifest.requireGroup(text) };
  const path = parseSecretPath(text);
  state.ciphertext(path);
  return { kind: "secret", path };
}

/** The secrets with a file that a target covers. */
export function secretsOf(state: VaultState, target: Target): SecretPath[] {
  return target.kind === "secret" ? [target.path] : [...state.manifest.groups.get(target.group)!].filter((path) => state.hasSecret(path));
}

function isDefaultSecret(state: VaultState, text: string): boolean {
  try {
    return state.hasSecret(parseSecretPath(text));
  } catch {
    return false;
  }
}
