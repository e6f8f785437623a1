import { Flags } from "@oclif/core";
import { addOwner, plural } from "@agent-vault/vault";
import { argument, dryRunFlag, keyFlag } from "../flags/common-flags.js";
import { VaultCommand } from "../vault-command.js";

export default class AddOwner extends VaultCommand {
  static override helpGroup = "owners" as const;
  static override summary = "Add an owner";
  static override needsPerson = "signs" as const;
  static override description = "Owners can read every secret and change the vault. All secrets are re-encrypted.";
  static override examples = [
    "agent-vault add-owner bob --recipient age1... --signing-key 'ssh-ed25519 AAAA...'",
    "agent-vault add-owner bob --out bob.key",
  ];
  static override args = { owner: argument({ description: "the new owner's name", required: true }) };
  static override flags = {
    key: keyFlag,
    "dry-run": dryRunFlag,
    recipient: Flags.string({ description: "the new owner's recipient, from agent-vault owner keys", helpValue: "age1..." }),
    "signing-key": Flags.string({ description: "the new owner's signing key, from agent-vault owner keys", helpValue: "KEY" }),
    out: Flags.string({
      description: "create the new owner's key and write it to this file, to hand over",
      helpValue: "FILE",
      aliases: ["key-out"],
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parseCommandLine(AddOwner);
    const added = await addOwner(this.context, {
      ...(await this.change(flags)),
      owner: args.owner,
      recipient: flags.recipient,
      signingKey: flags["signing-key"],
      keyOut: flags.out,
    });
    const { owner, vaultId, keyFile, addedBy, secrets } = added;
    this.print(flags["dry-run"] ? { owner, keyFile, secrets } : added, function* () {
      const count = plural(secrets.length, "secret");
      if (flags["dry-run"]) return yield `Would make ${owner} an owner, who can read ${count}. All secrets would be re-encrypted.`;
      yield `${owner} is now an owner and can read ${count}. All secrets were re-encrypted.`;
      if (keyFile !== undefined) {
        yield `Give ${keyFile} to ${owner} over a secure channel. On their machine it belongs in ~/.agent-vault/owners/${vaultId}.key.`;
      } else {
        yield `To trust this vault, ${owner} needs your signing key, over another channel than the repository:`;
        yield `  export AGENT_VAULT_OWNER='${addedBy}'`;
      }
    });
  }
}
