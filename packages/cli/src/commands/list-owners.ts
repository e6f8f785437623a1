import { listOwners } from "@agent-vault/vault";
import { keyChoice } from "../flags/key-choice.js";
import { table } from "../terminal/table.js";
import { keyFlag } from "../flags/common-flags.js";
import { VaultCommand } from "../vault-command.js";

export default class ListOwners extends VaultCommand {
  static override helpGroup = "owners" as const;
  static override summary = "List owners and their keys";
  static override needsPerson = "never" as const;
  static override description = "* marks the owner who signed the current state.";
  static override flags = { key: keyFlag };
  static override allowsToken = true;
  static override readsUrl = true;

  async run(): Promise<void> {
    const { flags } = await this.parseCommandLine(ListOwners);
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
