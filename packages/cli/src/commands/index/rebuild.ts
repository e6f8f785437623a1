import { openLedgerAt } from "@agent-vault/ledger";
import { openState, plural } from "@agent-vault/vault";
import { keyChoice } from "../../flags/key-choice.js";
import { keyFlag, VaultCommand } from "../../vault-command.js";

export default class IndexRebuild extends VaultCommand {
  static override id = "index rebuild";
  static override description = "Fill the index, from which large vaults are listed and searched, anew from the vault's files.";
  static override flags = { key: keyFlag };

  async run(): Promise<void> {
    const { flags } = await this.words(IndexRebuild);
    const root = await this.findVault();
    const key = keyChoice(flags.key);
    const ledger = await openLedgerAt(this.context, root, key);
    const { total } = await ledger.index.rebuild(await openState(this.context, root, key));
    this.print({ secrets: total }, () => [`The index holds ${plural(total, "secret")}.`]);
  }
}
