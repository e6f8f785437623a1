import { Flags } from "@oclif/core";
import { mint, openAuthority, readProfile, secretsOf } from "@agent-vault/runner";
import { keyChoice } from "../../flags/key-choice.js";
import { ttlFlag, ttlOf } from "../../flags/token-flags.js";
import { keyFlag, VaultCommand, word } from "../../vault-command.js";

export default class ProfileMint extends VaultCommand {
  static override id = "profile mint";
  static override description = "Make a token for the secrets of a profile, restricted as the profile says, and print it once.";
  static override args = { profile: word({ description: "the profile's name", required: true }) };
  static override flags = {
    key: keyFlag,
    ttl: ttlFlag,
    note: Flags.string({ description: "what it is for, for the list; the profile's name unless given", helpValue: "TEXT" }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.words(ProfileMint);
    const profile = await readProfile(this.context, args.profile);
    const authority = await openAuthority(this.context, await this.findVault(), keyChoice(flags.key), "mint a token");
    const { secret = [], ...caveats } = profile.caveats;
    const minted = await mint(this.context, authority, {
      ...caveats,
      secret: [...secretsOf(profile), ...secret],
      ttlMs: ttlOf(flags) ?? profile.ttlMs,
      note: flags.note ?? `profile ${profile.name}`,
    });
    this.context.note?.(`Token ${minted.id} holds until ${minted.expires.toISOString()}. It is not shown again.`);
    this.print(minted, () => [minted.token]);
  }
}
