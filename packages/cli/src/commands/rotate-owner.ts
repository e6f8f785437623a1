import { Flags } from "@oclif/core";
import { rotateOwner } from "@agent-vault/vault";
import { askNewPassphrase } from "../terminal/new-passphrase.js";
import { recoverAgentsFlag, rotatedOwnerInWords } from "../findings/after-owner-change.js";
import { dryRunFlag, keyFlag, VaultCommand } from "../vault-command.js";

export default class RotateOwner extends VaultCommand {
  static override id = "rotate-owner";
  static override description = "Give yourself a new key for this vault; everything is encrypted to it, and the old one opens none of it.";
  static override examples = ["agent-vault rotate-owner", "agent-vault rotate-owner --recover-agents --passphrase"];
  static override flags = {
    key: keyFlag,
    "dry-run": dryRunFlag,
    "key-out": Flags.string({ description: "write the new key there; needed where the old one was given by hand", helpValue: "FILE" }),
    passphrase: Flags.boolean({ description: "protect the new key with a passphrase, as one that was protected always is" }),
    "recover-agents": recoverAgentsFlag,
  };

  async run(): Promise<void> {
    const { flags } = await this.words(RotateOwner);
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
