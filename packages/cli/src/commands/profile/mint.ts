import { Flags } from "@oclif/core";
import { mint, openAuthority, readProfile, secretsOf } from "@agent-vault/runner";
import { keyChoice } from "../../flags/key-choice.js";
import { ttlFlag, ttlOf } from "../../flags/token-flags.js";
import { argument, keyFlag } from "../../flags/common-flags.js";
import { warnOfUnknownNames } from "../../policy-names.js";
import { VaultCommand } from "../../vault-command.js";

export default class ProfileMint extends VaultCommand {
  static override helpGroup = "limits" as const;
  static override summary = "Create a token for the secrets of a profile";
  static override needsPerson = "mints" as const;
  static override description = "The token has the restrictions of the profile. It is printed once.";
  static override args = { profile: argument({ description: "the profile's name", required: true }) };
  static override flags = {
    key: keyFlag,
    ttl: ttlFlag,
    note: Flags.string({ description: "a note for agent-vault token list (default: the profile's name)", helpValue: "TEXT" }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parseCommandLine(ProfileMint);
    const profile = await readProfile(this.context, args.profile);
    const root = await this.findVault();
    const authority = await openAuthority(this.context, root, keyChoice(flags.key), "mint a token");
    const { secret = [], ...caveats } = profile.caveats;
    const restrictions = { ...caveats, secret: [...secretsOf(profile), ...secret] };
    const minted = await mint(this.context, authority, {
      ...restrictions,
      ttlMs: ttlOf(flags) ?? profile.ttlMs,
      note: flags.note ?? `profile ${profile.name}`,
    });
    await warnOfUnknownNames(this.context, root, keyChoice(flags.key), restrictions);
    this.context.note?.(`Token ${minted.id} is valid until ${minted.expires.toISOString()}. It is not shown again.`);
    this.print(minted, () => [minted.token]);
  }
}
