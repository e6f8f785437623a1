import { attenuate, caveatsOf, expiryAfter } from "@agent-vault/runner";
import { VaultError } from "@agent-vault/vault";
import { readToken, restrictionFlags, restrictionsOf, tokenWord, ttlOf } from "../../flags/token-flags.js";
import { VaultCommand } from "../../vault-command.js";

export default class TokenAttenuate extends VaultCommand {
  static override id = "token attenuate";
  static override description =
    "Print a token that allows less than another. It takes no vault and no key, and what was taken away stays away.";
  static override examples = [
    "agent-vault token attenuate --secret stripe/api-key --ttl 10m",
    "agent-vault token attenuate - --uses 1 < token",
  ];
  static override args = { token: tokenWord };
  static override flags = restrictionFlags;
  protected override readonly wordsMayBeSecret = true;

  async run(): Promise<void> {
    const { args, flags } = await this.words(TokenAttenuate);
    const ttl = ttlOf(flags);
    const caveats = caveatsOf({ ...restrictionsOf(flags), until: ttl === undefined ? undefined : expiryAfter(this.context.now(), ttl) });
    if (caveats.length === 0) {
      throw new VaultError("USAGE", "Nothing is taken away from the token.", { remedy: "Give a restriction, such as --secret or --ttl." });
    }
    const token = attenuate(await readToken(this.context, args.token), caveats);
    this.print({ token, added: caveats }, () => [token]);
  }
}
