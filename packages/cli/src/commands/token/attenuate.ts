import { attenuate, caveatsOf, expiryAfter } from "@agent-vault/runner";
import { VaultError } from "@agent-vault/vault";
import { readToken, restrictionFlags, restrictionsOf, tokenArgument, ttlOf } from "../../flags/token-flags.js";
import { VaultCommand } from "../../vault-command.js";

export default class TokenAttenuate extends VaultCommand {
  static override helpGroup = "limits" as const;
  static override summary = "Restrict a token further";
  static override needsPerson = "never" as const;
  static override description =
    "Prints a token that allows less than the given one. Needs no vault and no key. Restrictions cannot be removed again.";
  static override examples = [
    "agent-vault token attenuate --secret stripe/api-key --ttl 10m",
    "agent-vault token attenuate - --uses 1 < token",
  ];
  static override args = { token: tokenArgument };
  static override flags = restrictionFlags;
  static override argvMayHoldSecret = true;
  static override allowsToken = true;

  async run(): Promise<void> {
    const { args, flags } = await this.parseCommandLine(TokenAttenuate);
    const ttl = ttlOf(flags);
    const caveats = caveatsOf({ ...restrictionsOf(flags), until: ttl === undefined ? undefined : expiryAfter(this.context.now(), ttl) });
    if (caveats.length === 0) {
      throw new VaultError("USAGE", "No restriction is given.", { remedy: "Restrict the token with a flag such as --secret or --ttl." });
    }
    const token = attenuate(await readToken(this.context, args.token), caveats);
    this.print({ token, added: caveats }, () => [token]);
  }
}
