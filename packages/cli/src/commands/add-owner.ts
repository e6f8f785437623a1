import { Flags } from "@oclif/core";
import { addOwner, plural } from "@agent-vault/vault";
import { argument, dryRunFlag, keyFlag } from "../flags/common-flags.js";
import { VaultCommand } from "../vault-command.js";

export default class AddOwner extends VaultCommand {
  static override helpGroup = "owners" as const;
  static override summary = "Add an owner";
  static override description = "Owners can read every secret and change the vault. All secrets are re-encrypted.";
  static override examples = [
    "agent-vault add-owner bob --recipient age1... --signing-key 'ssh-ed25519 AAAA...'",
    "agent-vault add-owner bob --key-out bob.key",
  ];
  static override args = { owner: argument({ description: "the new owner's name", required: true }) };
  static override flags = {
    key: keyFlag,
    "dry-run": dryRunFlag,
    recipient: Flags.string({ description: "the new owner's recipient, from agent-vault owner keys", helpValue: "age1..." }),
    "signing-key": Flags.string({ description: "the new owner's signing key, from agent-vault owner keys", helpValue: "KEY" }),
    "key-out": Flags.string({ description: "make the new owner's key here and write it there, to hand over", helpValue: "FILE" }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parseCommandLine(AddOwner);
    const added = await addOwner(this.context, {
      ...(await this.change(flags)),
      owner: args.owner,
      recipient: flags.recipient,
      signingKey: flags["signing-key"],
      keyOut: flags["key-out"],
    });
    const { owner, vaultId, keyFile, addedBy, secrets } = added;
    this.print(flags["dry-run"] ? { owner, keyFile, secrets } : added, function* () {
      const count = plural(secrets.length, "secret");
      if (flags["dry-run"]) return yield `Would make ${owner} an owner, who reads ${count}; everything would be encrypted anew.`;
      yield `${owner} is an owner now and reads ${count}; everything was encrypted anew.`;
      if (keyFile !== undefined) {
        yield `Hand ${keyFile} over by a safe way; on ${owner}'s machine it belongs in ~/.agent-vault/owners/${vaultId}.key.`;
      } else {
        yield `For the first read ${owner} needs your signing key, by another way than the repository:`;
        yield `  export AGENT_VAULT_OWNER='${addedBy}'`;
      }
    });
  }
}
