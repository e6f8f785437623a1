import { Flags } from "@oclif/core";
import { rotateOwner } from "@agent-vault/vault";
import { askNewPassphrase } from "../terminal/new-passphrase.js";
import { recoverAgentsFlag, rotatedOwnerInWords } from "../advice/after-owner-change.js";
import { dryRunFlag, keyFlag } from "../flags/common-flags.js";
import { VaultCommand } from "../vault-command.js";

export default class RotateOwner extends VaultCommand {
  static override helpGroup = "owners" as const;
  static override summary = "Replace your owner key";
  static override description = "All secrets are re-encrypted for the new key. The old key opens none of them.";
  static override examples = ["agent-vault rotate-owner", "agent-vault rotate-owner --recover-agents --passphrase"];
  static override flags = {
    key: keyFlag,
    "dry-run": dryRunFlag,
    "key-out": Flags.string({ description: "write the new key there; needed where the old one was given by hand", helpValue: "FILE" }),
    passphrase: Flags.boolean({ description: "protect the new key with a passphrase, as one that was protected always is" }),
    "recover-agents": recoverAgentsFlag,
  };

  async run(): Promise<void> {
    const { flags } = await this.parseCommandLine(RotateOwner);
    const rotated = await rotateOwner(this.context, {
      ...(await this.change(flags)),
      keyOut: flags["key-out"],
      recoverAgents: flags["recover-agents"],
      protect: flags.passphrase,
      passphrase: askNewPassphrase,
    });
    const { recipient: _recipient, signingKey: _signingKey, ...planned } = rotated;
    this.print(flags["dry-run"] ? planned : rotated, () => rotatedOwnerInWords(rotated, flags));
  }
}
