import { findVault, plural, POLICY_FILE, VaultError, VaultState } from "@agent-vault/vault";
import { parsePolicy, reviewPolicy, type Policy } from "@agent-vault/runner";
import { argument } from "../../flags/common-flags.js";
import { readInputFile } from "../../flags/read-input-file.js";
import { knownNames } from "../../policy-names.js";
import { VaultCommand } from "../../vault-command.js";

export default class PolicyCheck extends VaultCommand {
  static override helpGroup = "limits" as const;
  static override summary = "Check a policy for errors";
  static override needsPerson = "never" as const;
  static override description = "Also warns about rules that can never apply in this vault. The policy need not be signed yet.";
  static override args = { file: argument({ description: "a policy file, in place of the vault's" }) };
  static override completes = { file: "files" } as const;
  static override allowsToken = true;

  async run(): Promise<void> {
    const { args } = await this.parseCommandLine(PolicyCheck);
    const state = new VaultState(findVault(this.context));
    const policy =
      args.file === undefined ? vaultPolicy(state) : parsePolicy(readInputFile(this.context, args.file, "of the policy"), args.file);
    const warnings = reviewPolicy(policy, knownNames(state));
    const rules = policy.rules.length;
    this.print({ file: policy.file, rules, warnings }, function* () {
      for (const warning of warnings) yield `warning: ${warning}`;
      yield `${policy.file} is valid: ${plural(rules, "rule")}.`;
    });
  }
}

function vaultPolicy(state: VaultState): Policy {
  const bytes = state.read(POLICY_FILE);
  if (bytes) return parsePolicy(bytes, POLICY_FILE);
  throw new VaultError("FILE_NOT_FOUND", "The vault has no policy, so everyone who can decrypt a secret may use it.", {
    remedy: "Create one with agent-vault policy init.",
  });
}
