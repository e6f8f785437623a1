import { Flags } from "@oclif/core";
import { readPolicy } from "@agent-vault/runner";
import { describeDifference, parseDuration, renew, sign, VaultError, VaultFiles, type SignProposal, plural } from "@agent-vault/vault";
import { terminal } from "../terminal/terminal.js";
import { dryRunFlag, keyFlag } from "../flags/common-flags.js";
import { VaultCommand } from "../vault-command.js";

export default class Sign extends VaultCommand {
  static override helpGroup = "checks" as const;
  static override summary = "Sign changes made without agent-vault";
  static override description =
    "Shows who would gain access to which secret, asks for confirmation and signs. Also signs vaults of agent-vault 0.1.";
  static override examples = ["agent-vault sign", "agent-vault sign --dry-run", "agent-vault sign --renew --valid-for 30d"];
  static override flags = {
    key: keyFlag,
    "dry-run": dryRunFlag,
    yes: Flags.string({ description: "sign without asking, if it is the state of this digest, as shown before", helpValue: "DIGEST" }),
    renew: Flags.boolean({ description: "sign the present state anew and change nothing else", exclusive: ["yes"] }),
    "valid-for": Flags.string({
      description: "with --renew: how long the state and those after it are valid, such as 30d, or forever",
      helpValue: "TIME",
      dependsOn: ["renew"],
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parseCommandLine(Sign);
    if (flags.renew) {
      const validFor = flags["valid-for"];
      const lifetime = validFor === undefined ? undefined : validFor === "forever" ? null : parseDuration(validFor);
      const { lock } = await renew(this.context, { ...(await this.change(flags)), lifetime });
      const until = lock.validUntil ? `, valid until ${lock.validUntil.toISOString().slice(0, 16)}Z` : "";
      return this.print({ sequence: lock.sequence, valid_until: lock.validUntil }, () => [`Signed state ${lock.sequence}${until}.`]);
    }
    const change = await this.change(flags);
    // Signed, a policy that cannot be read would deny everything to everybody.
    await readPolicy(new VaultFiles(change.vault));
    const result = await sign(this.context, {
      ...change,
      approve: (proposal) => this.#approve(proposal, flags.yes),
    });
    const { proposal, signed } = result ?? {};
    this.print({ ...proposal, sequence: signed?.lock.sequence }, function* () {
      if (!proposal) return yield "Everything is signed already.";
      if (signed) yield `Signed state ${signed.lock.sequence}.`;
      else if (flags["dry-run"]) yield* inWords(proposal);
      else yield "Nothing was signed.";
    });
  }

  async #approve(proposal: SignProposal, yes: string | undefined): Promise<boolean> {
    if (yes !== undefined) {
      if (yes === proposal.digest) return true;
      throw new VaultError("CONFLICT", "The vault is not in the state that --yes names.", {
        remedy: "See what would be signed now with agent-vault sign --dry-run.",
      });
    }
    for (const line of inWords(proposal)) this.context.note?.(line);
    if (terminal.canAsk()) return terminal.confirm("Do you vouch for this?");
    throw new VaultError("CONFIRMATION_REQUIRED", "What would be signed has to be looked at by a person, and nobody can be asked here.", {
      remedy:
        "Run agent-vault sign on a terminal; or see it with agent-vault sign --dry-run and then name it: agent-vault sign --yes DIGEST.",
    });
  }
}

function inWords({ since, difference, resealed, digest }: SignProposal): string[] {
  const lines = describeDifference(difference);
  const intro = since
    ? `Since state ${since.sequence}, which was signed (commit ${since.commit.slice(0, 12)}), this was changed past its owners:`
    : "Nobody has signed this vault yet. With your signature you vouch for all of it:";
  return [
    intro,
    ...lines.map((line) => `  ${line}`),
    ...(resealed.length > 0
      ? [`  ${plural(resealed.length, "secret")} will be encrypted anew for just the readers that the manifest names`]
      : []),
    `Digest: ${digest}`,
  ];
}
