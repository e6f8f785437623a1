import { Flags } from "@oclif/core";
import { invocationContext, type InvocationContext } from "@agent-vault/ledger";
import {
  findVault,
  formatDuration,
  formatSecretPath,
  harnessAgentIn,
  isVerificationError,
  openVault,
  parseSecretPath,
  VaultError,
  VaultState,
  type VaultFiles,
} from "@agent-vault/vault";
import {
  explainDecision,
  judgeUse,
  NO_COMMAND,
  ruleName,
  type Explanation,
  type Judgement,
  type RequestedSecret,
  type RequestedVariable,
  type UseRequest,
} from "@agent-vault/runner";
import { knownNames } from "../../policy-names.js";
import { VaultCommand } from "../../vault-command.js";

const DEFAULT = "(default: the current one; empty for none)";

export default class PolicyExplain extends VaultCommand {
  static override helpGroup = "limits" as const;
  static override summary = "Explain how the policy decides on a use";
  static override needsPerson = "never" as const;
  static override description =
    "Shows which rule applies, and why the others do not, and whether a person would be asked. It decides as the use itself would. Needs no key.";
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
    agent: Flags.string({
      description: "the agent that uses it (default: the owner, or the agent that the settings name for the coding agent)",
      helpValue: "NAME",
    }),
    action: Flags.string({ description: "the kind of use", options: ["run", "inject", "get", "read"], default: "run" }),
    command: Flags.string({ description: "the program and its arguments, separated by spaces", helpValue: "COMMAND" }),
    env: Flags.string({
      description: "a plain variable that the command is started with; may be given several times",
      helpValue: "NAME[=VALUE]",
      multiple: true,
      multipleNonGreedy: true,
      default: [],
    }),
    mcp: Flags.boolean({ description: "as if asked for over MCP" }),
    "by-token": Flags.boolean({ description: "as if a token was presented" }),
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
    const { state, homes } = await this.#openEvenUnsigned(root);
    const [owner] = state.owners;
    const invocation = withFlags(invocationContext(this.context, root), flags);
    const byDefault = invocation.harness === undefined ? undefined : await harnessAgentIn(homes[0] ?? state, invocation.harness);
    const agent = flags.agent ?? byDefault;
    const request: UseRequest = {
      ...NO_COMMAND,
      action: flags.action as UseRequest["action"],
      door: flags.mcp ? "mcp" : flags.action === "read" ? "sdk" : "cli",
      byToken: flags["by-token"],
      variables: flags.env.map(variableOf),
      secrets: flags.secret.map((secret) => this.#requested(state, secret, flags.environment)),
      principal:
        agent === undefined
          ? { role: "owner", name: owner!.name, identity: owner!.recipient.text }
          : { role: "agent", name: state.manifest.requireAgent(agent), identity: state.agentRecipient(agent).text },
      invocation,
      command: flags.action === "run" ? (flags.command?.trim().split(/\s+/) ?? []) : undefined,
      reason: undefined,
      service: flags.service,
    };
    const judgement = await judgeUse(
      state,
      homes.map((files) => ({ files, keys: undefined })),
      request,
    );
    const explanations = judgement.parts.map(explainDecision);
    this.print(asJson(judgement, explanations), () => formatExplanations(judgement, explanations));
  }

  /** A policy can be tried before it is signed. */
  async #openEvenUnsigned(root: string): Promise<{ state: VaultState; homes: readonly VaultFiles[] }> {
    try {
      const { files, homes } = await openVault(this.context, root, "everything");
      return { state: files, homes };
    } catch (error) {
      if (!isVerificationError(error)) throw error;
      this.context.warn(`${error.message} The explanation applies once an owner has signed it.`);
      return { state: new VaultState(root), homes: [] };
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

function variableOf(text: string): RequestedVariable {
  const [, name, value = ""] = /^([A-Za-z_][A-Za-z0-9_]*)(?:=(.*))?$/s.exec(text) ?? [];
  if (name !== undefined) return { name, holds: "text", value };
  throw new VaultError("INVALID_VARIABLE", `${JSON.stringify(text)} is not a variable.`, {
    remedy: "Write --env NAME or --env NAME=VALUE.",
  });
}

function* formatExplanations({ decision }: Judgement, [here, ...homes]: readonly Explanation[]): Generator<string> {
  yield* formatExplanation(here!);
  for (const home of homes) {
    yield "On the vault's main branch, which counts on every branch:";
    yield* formatExplanation(home);
  }
  if (decision.allowed && decision.approval !== "never" && decision.channels)
    yield `A person can be asked by ${decision.channels.join(", ") || "no channel"} alone.`;
  if (decision.allowed && decision.maxTtlMs !== undefined)
    yield `Tokens, leases and sessions last ${formatDuration(decision.maxTtlMs)} at most.`;
}

function* formatExplanation({ secrets }: Explanation): Generator<string> {
  for (const { secret, decision: sentence, approval, allowed, rules } of secrets) {
    yield `${secret}: ${sentence}${allowed ? ` ${approval}` : ""}`;
    for (const { rule, why } of rules) yield `  ${ruleName(rule)} ${why}`;
  }
}

function asJson({ decision, refusal }: Judgement, [here, ...homes]: readonly Explanation[]): object {
  return {
    allowed: refusal === undefined,
    approval: decision.approval,
    approval_channels: decision.channels,
    max_ttl_seconds: decision.maxTtlMs === undefined ? undefined : decision.maxTtlMs / 1000,
    secrets: secretsAsJson(here!),
    home: homes.length === 0 ? undefined : homes.flatMap(secretsAsJson),
  };
}

function secretsAsJson({ decision, secrets }: Explanation): object[] {
  return secrets.map((explained, index) => {
    const { secret, allowed, code, approval } = decision.secrets[index]!;
    const rules = explained.rules.map(({ rule, effect, why }) => ({ rule: rule.name ?? rule.position, line: rule.line, effect, why }));
    return { secret, allowed, code, decision: explained.decision, approval, approval_reason: explained.approval, rules };
  });
}
