import { Flags } from "@oclif/core";
import { rotateOwner } from "@agent-vault/vault";
import { askNewPassphrase } from "../terminal/new-passphrase.js";
import { recoverAgentsFlag, formatRotatedOwner } from "../advice/after-owner-change.js";
import { dryRunFlag, keyFlag } from "../flags/common-flags.js";
import { VaultCommand } from "../vault-command.js";

export default class RotateOwner extends VaultCommand {
  static override helpGroup = "owners" as const;
  static override summary = "Replace your owner key";
  static override needsPerson = "signs" as const;
  static override description = "All secrets are re-encrypted for the new key. The old key opens none of them.";
  static override examples = ["agent-vault rotate-owner", "agent-vault rotate-owner --recover-agents --passphrase"];
  static override flags = {
    key: keyFlag,
    "dry-run": dryRunFlag,
    out: Flags.string({
      description: "write the new key to this file; required if the old one was given with --key or AGENT_VAULT_KEY",
      helpValue: "FILE",
      aliases: ["key-out"],
    }),
    passphrase: Flags.boolean({ description: "protect the new key with a passphrase; always done if the old key had one" }),
    "recover-agents": recoverAgentsFlag,
  };

  async run(): Promise<void> {
    const { flags } = await this.parseCommandLine(RotateOwner);
    const rotated = await rotateOwner(this.context, {
      ...(await this.change(flags)),
      keyOut: flags.out,
      recoverAgents: flags["recover-agents"],
      protect: flags.passphrase,
      passphrase: () => askNewPassphrase(this.context),
    });
    const { recipient: _recipient, signingKey: _signingKey, ...planned } = rotated;
    this.print(flags["dry-run"] ? planned : rotated, () => formatRotatedOwner(rotated, flags));
  }
}
