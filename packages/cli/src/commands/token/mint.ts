import { Flags } from "@oclif/core";
import { mint, openAuthority } from "@agent-vault/runner";
import { keyChoice } from "../../flags/key-choice.js";
import { restrictionFlags, restrictionsOf, ttlOf } from "../../flags/token-flags.js";
import { keyFlag } from "../../flags/common-flags.js";
import { warnOfUnknownNames } from "../../policy-names.js";
import { VaultCommand } from "../../vault-command.js";

export default class TokenMint extends VaultCommand {
  static override helpGroup = "limits" as const;
  static override summary = "Create a token that allows less than your key";
  static override needsPerson = "mints" as const;
  static override description =
    "Every restriction narrows the token. It is printed once, and expires after 8 hours by default, or when the session ends.";
  static override examples = [
    "export AGENT_VAULT_TOKEN=$(agent-vault token mint --secret 'stripe/*' --branch main --ttl 1h)",
    "agent-vault token mint --secret db/url --command 'npm test' --uses 5 --note 'nightly tests'",
  ];
  static override flags = {
    key: keyFlag,
    ...restrictionFlags,
    note: Flags.string({ description: "a note for agent-vault token list", helpValue: "TEXT" }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parseCommandLine(TokenMint);
    const request = { ...restrictionsOf(flags), ttlMs: ttlOf(flags), note: flags.note };
    const root = await this.findVault();
    const authority = await openAuthority(this.context, root, keyChoice(flags.key), "mint a token");
    const minted = await mint(this.context, authority, request);
    await warnOfUnknownNames(this.context, root, keyChoice(flags.key), request);
    this.context.note?.(`Token ${minted.id} is valid until ${minted.expires.toISOString()}. It is not shown again.`);
    this.print(minted, () => [minted.token]);
  }
}
