import { readFileSync } from "node:fs";
import { findVault, isSystemError, POLICY_FILE, resolvePath, VaultError, VaultState, plural } from "@agent-vault/vault";
import { parsePolicy, reviewPolicy, type Policy } from "@agent-vault/runner";
import { knownNames } from "../../findings/policy-names.js";
import { VaultCommand, word } from "../../vault-command.js";

export default class PolicyCheck extends VaultCommand {
  static override id = "policy check";
  static override description =
    "Say whether a policy can be read, and what in it can never come true in this vault. Looks at it as it lies there, signed or not.";
  static override args = { file: word({ description: "the policy, instead of the vault's own" }) };

  async run(): Promise<void> {
    const { args } = await this.words(PolicyCheck);
    const state = new VaultState(findVault(this.context));
    const policy = args.file === undefined ? ownPolicy(state) : parsePolicy(this.#read(args.file), args.file);
    const warnings = reviewPolicy(policy, knownNames(state));
    const rules = policy.rules.length;
    this.print({ file: policy.file, rules, warnings }, function* () {
      for (const warning of warnings) yield `warning: ${warning}`;
      yield `${policy.file} is in order: ${plural(rules, "rule")}.`;
    });
  }

  #read(file: string): Uint8Array {
    try {
      return readFileSync(resolvePath(this.context, file));
    } catch (error) {
      if (!isSystemError(error)) throw error;
      throw new VaultError("FILE_NOT_FOUND", `${file} could not be read (${error.code}).`, { remedy: "Name a file that holds a policy." });
    }
  }
}

function ownPolicy(state: VaultState): Policy {
  const bytes = state.read(POLICY_FILE);
  if (bytes) return parsePolicy(bytes, POLICY_FILE);
  throw new VaultError("FILE_NOT_FOUND", "The vault has no policy: whoever can open a secret may use it.", {
    remedy: "Begin one with agent-vault policy init.",
  });
}
