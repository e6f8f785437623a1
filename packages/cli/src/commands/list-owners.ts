import { listOwners } from "@agent-vault/vault";
import { keyChoice } from "../flags/key-choice.js";
import { table } from "../terminal/table.js";
import { keyFlag, VaultCommand } from "../vault-command.js";

export default class ListOwners extends VaultCommand {
  static override id = "list-owners";
  static override description =
    "List who reads everything and may sign the vault's states, with the keys; * marks who signed the present one.";
  static override flags = { key: keyFlag };

  async run(): Promise<void> {
    const { flags } = await this.words(ListOwners);
    const owners = await listOwners(this.context, await this.findVault(), keyChoice(flags.key));
    this.print(owners, function* () {
      yield* table(
        ["OWNER", "SIGNED", "FINGERPRINT OF THE SIGNING KEY"],
        owners.map(({ name, signed, fingerprint }) => [name, signed ? "*" : "", fingerprint ?? "-"]),
        "No owners.",
      );
      for (const { name, recipient, signingKey } of owners) {
        yield "";
        yield `${name}:`;
        yield `  ${recipient}`;
        if (signingKey) yield `  ${signingKey}`;
      }
    });
  }
}
