import { Flags } from "@oclif/core";
import { invocationContext, type InvocationContext } from "@agent-vault/ledger";
import {
  findVault,
  formatDuration,
  formatSecretPath,
  isVerificationError,
  openState,
  parseSecretPath,
  VaultState,
} from "@agent-vault/vault";
import { explain, readPolicy, ruleName, type Explanation, type RequestedSecret, type UseRequest } from "@agent-vault/runner";
import { knownNames } from "../../policy-names.js";
import { VaultCommand } from "../../vault-command.js";

const DEFAULT = "(default: the current one; empty for none)";

export default class PolicyExplain extends VaultCommand {
  static override helpGroup = "limits" as const;
  static override summary = "Explain how the policy decides on a use";
  static override description = "Shows which rule applies, and why the others do not. Needs no key.";
  static override examples = [
    "agent-vault policy explain --secret stripe/api-key",
    "agent-vault policy explain --secret stripe/api-key --agent billing --branch main --command 'npm test'",
    "agent-vault policy explain --secret db/url --action get --harness claude-code",
  ];
  static override flags = {
    secret: Flags.string({
      description: "the secret; may be given several times",
      helpValue: "GROUP/NAME",
      multiple: true,
      multipleNonGreedy: true,
      required: true,
    }),
    agent: Flags.string({ description: "the agent that uses it (default: the owner)", helpValue: "NAME" }),
    action: Flags.string({ description: "the kind of use", options: ["run", "inject", "get", "read"], default: "run" }),
    command: Flags.string({ description: "the program and its arguments, separated by spaces", helpValue: "COMMAND" }),
    user: Flags.string({ description: `the system user ${DEFAULT}`, helpValue: "NAME" }),
    repo: Flags.string({ description: `the repository ${DEFAULT}`, helpValue: "URL" }),
    branch: Flags.string({ description: `the branch ${DEFAULT}`, helpValue: "NAME" }),
    harness: Flags.string({ description: `the coding agent ${DEFAULT}`, helpValue: "NAME" }),
    service: Flags.string({ description: "the name of the calling service", helpValue: "NAME" }),
    environment: Flags.string({ description: "use this as the secret's environment", helpValue: "NAME" }),
  };
  static override allowsToken = true;

  async run(): Promise<void> {
    const { flags } = await this.parseCommandLine(PolicyExplain);
    const root = findVault(this.context);
    const state = await this.#stateEvenUnsigned(root);
    const [owner] = state.owners;
    const request: UseRequest = {
      action: flags.action as UseRequest["action"],
      secrets: flags.secret.map((secret) => this.#requested(state, secret, flags.environment)),
      principal:
        flags.agent === undefined
          ? { role: "owner", name: owner!.name, identity: owner!.recipient.text }
          : { role: "agent", name: state.manifest.requireAgent(flags.agent), identity: state.agentRecipient(flags.agent).text },
      invocation: withFlags(invocationContext(this.context, root), flags),
      command: flags.action === "run" ? (flags.command?.trim().split(/\s+/) ?? []) : undefined,
      reason: undefined,
      service: flags.service,
    };
    const explanation = explain(await readPolicy(state), request);
    this.print(asJson(explanation), () => formatExplanation(explanation));
  }

  /** A policy can be tried before it is signed. */
  async #stateEvenUnsigned(root: string): Promise<VaultState> {
    try {
      return await openState(this.context, root);
    } catch (error) {
      if (!isVerificationError(error)) throw error;
      this.context.warn(`${error.message} The explanation applies once an owner has signed it.`);
      return new VaultState(root);
    }
  }

  #requested(state: VaultState, name: string, environment: string | undefined): RequestedSecret {
    const path = parseSecretPath(name);
    state.ciphertext(path);
    const secret = knownNames(state).secrets.find((known) => known.secret === formatSecretPath(path))!;
    return environment === undefined ? secret : { ...secret, environment };
  }
}

type Circumstances = { readonly [name in "user" | "repo" | "branch" | "harness"]?: string | undefined };

function withFlags(here: InvocationContext, { user, repo, branch, harness }: Circumstances): InvocationContext {
  const given = (flag: string | undefined, found: string | undefined) => (flag === undefined ? found : flag || undefined);
  return {
    folder: here.folder,
    user: given(user, here.user),
    repository: given(repo, here.repository),
    branch: given(branch, here.branch),
    harness: given(harness, here.harness),
  };
}

function* formatExplanation({ decision, secrets }: Explanation): Generator<string> {
  for (const { secret, decision: sentence, approval, allowed, rules } of secrets) {
    yield `${secret}: ${sentence}${allowed ? ` ${approval}` : ""}`;
    for (const { rule, why } of rules) yield `  ${ruleName(rule)} ${why}`;
  }
  if (decision.allowed && decision.maxTtlMs !== undefined)
    yield `Tokens, leases and sessions last ${formatDuration(decision.maxTtlMs)} at most.`;
}

function asJson({ decision, secrets }: Explanation): object {
  return {
    allowed: decision.allowed,
    approval: decision.approval,
    max_ttl_seconds: decision.maxTtlMs === undefined ? undefined : decision.maxTtlMs / 1000,
    secrets: secrets.map((explained, index) => {
      const { secret, allowed, code, approval } = decision.secrets[index]!;
      const rules = explained.rules.map(({ rule, effect, why }) => ({ rule: rule.name ?? rule.position, line: rule.line, effect, why }));
      return { secret, allowed, code, decision: explained.decision, approval, approval_reason: explained.approval, rules };
    }),
  };
}
