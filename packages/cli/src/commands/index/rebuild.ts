import { openLedgerAt } from "@agent-vault/ledger";
import { openState, plural } from "@agent-vault/vault";
import { keyChoice } from "../../flags/key-choice.js";
import { keyFlag } from "../../flags/common-flags.js";
import { VaultCommand } from "../../vault-command.js";

export default class IndexRebuild extends VaultCommand {
  static override helpGroup = "setup" as const;
  static override summary = "Rebuild the metadata index";
  static override needsPerson = "never" as const;
  static override description = "Large vaults are listed and searched from this index.";
  static override flags = { key: keyFlag };

  async run(): Promise<void> {
    const { flags } = await this.parseCommandLine(IndexRebuild);
    const root = await this.findVault();
    const key = keyChoice(flags.key);
    const ledger = await openLedgerAt(this.context, root, key);
    const { total } = await ledger.index.rebuild(await openState(this.context, root, key));
    this.print({ secrets: total }, () => [`Indexed ${plural(total, "secret")}.`]);
  }
}
