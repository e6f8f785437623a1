import { Flags } from "@oclif/core";
import { readPolicy } from "@agent-vault/runner";
import { describeDifference, parseDuration, renew, sign, VaultError, VaultFiles, type SignProposal, plural } from "@agent-vault/vault";
import { terminal } from "../terminal/terminal.js";
import { dryRunFlag, keyFlag } from "../flags/common-flags.js";
import { VaultCommand } from "../vault-command.js";

export default class Sign extends VaultCommand {
  static override helpGroup = "checks" as const;
  static override summary = "Sign changes made without agent-vault";
  static override needsPerson = "signs" as const;
  static override description =
    "Shows what would give more access or protect less, and everything else that changed; asks for confirmation and signs. Also signs vaults of agent-vault 0.1.";
  static override examples = ["agent-vault sign", "agent-vault sign --dry-run", "agent-vault sign --renew --valid-for 30d"];
  static override flags = {
    key: keyFlag,
    "dry-run": dryRunFlag,
    yes: Flags.string({ description: "sign without asking if the vault has this digest, as shown by --dry-run", helpValue: "DIGEST" }),
    "from-older": Flags.boolean({
      description: "make the older files here the newest state; only on a terminal",
      exclusive: ["yes", "renew"],
    }),
    renew: Flags.boolean({ description: "sign the current state again without changing anything", exclusive: ["yes"] }),
    "valid-for": Flags.string({
      description: "with --renew: how long this and later states are valid, such as 30d, or forever",
      helpValue: "TIME",
      dependsOn: ["renew"],
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parseCommandLine(Sign);
    if (flags.renew) {
      const validFor = flags["valid-for"];
      const lifetimeMs = validFor === undefined ? undefined : validFor === "forever" ? null : parseDuration(validFor);
      const { lock } = await renew(this.context, { ...(await this.change(flags)), lifetimeMs });
      const until = lock.validUntil ? `, valid until ${lock.validUntil.toISOString().slice(0, 16)}Z` : "";
      return this.print({ sequence: lock.sequence, valid_until: lock.validUntil }, () => [`Signed state ${lock.sequence}${until}.`]);
    }
    const change = await this.change(flags);
    // Once signed, an invalid policy would deny every use.
    await readPolicy(new VaultFiles(change.vault));
    const result = await sign(this.context, {
      ...change,
      fromOlder: flags["from-older"],
      approve: (proposal) => (flags["from-older"] ? this.#approveOlder(proposal) : this.#approve(proposal, flags.yes)),
    });
    const { proposal, signed } = result ?? {};
    this.print({ ...proposal, sequence: signed?.lock.sequence }, function* () {
      if (!proposal) return yield "Everything is already signed.";
      if (signed) yield `Signed state ${signed.lock.sequence}.`;
      else if (flags["dry-run"]) yield* formatProposal(proposal);
      else yield "Nothing was signed.";
    });
  }

  async #approve(proposal: SignProposal, yes: string | undefined): Promise<boolean> {
    if (yes !== undefined) {
      if (yes === proposal.digest) return true;
      throw new VaultError("CONFLICT", "The vault does not have the digest given with --yes.", {
        remedy: "See what would be signed with agent-vault sign --dry-run.",
      });
    }
    for (const line of formatProposal(proposal)) this.context.note?.(line);
    if (terminal.canAsk()) return terminal.confirm("Sign these changes?");
    throw new VaultError("CONFIRMATION_REQUIRED", "Signing needs a person's confirmation, and there is no terminal to ask on.", {
      remedy:
        "Run agent-vault sign on a terminal, or review the changes with agent-vault sign --dry-run and confirm them with agent-vault sign --yes DIGEST.",
    });
  }

  /** What took access away is undone, so the person names the state that is left: a habit of saying yes does not do that. */
  async #approveOlder(proposal: SignProposal): Promise<boolean> {
    if (!terminal.canAsk()) {
      throw new VaultError("CONFIRMATION_REQUIRED", "Going on from an older state needs a person's confirmation on a terminal.", {
        remedy: "Run agent-vault sign --from-older on a terminal. agent-vault sign --from-older --dry-run shows what it would sign.",
      });
    }
    for (const line of formatProposal(proposal)) this.context.note?.(line);
    const { sequence, digest } = proposal.since!;
    const typed = await terminal.askLine(
      `Everything that state ${sequence} and those before it changed since is undone. To confirm, type the first ${MIN_TYPED_DIGITS} digits of its digest:`,
    );
    return isTyped(typed, digest);
  }
}

const MIN_TYPED_DIGITS = 12;

/** Whether a person typed a digest, or at least its first digits. */
function isTyped(typed: string, digest: string): boolean {
  const digits = typed.toLowerCase().replace(/^sha256:/, "");
  return digits.length >= MIN_TYPED_DIGITS && digest.slice("sha256:".length).startsWith(digits);
}

function formatProposal({ since, beside, difference, resealed, digest }: SignProposal): string[] {
  const lines = describeDifference(difference);
  const intro = since
    ? `Changes since state ${since.sequence} (commit ${since.commit.slice(0, 12)}), the last that an owner signed:`
    : "Nobody has signed this vault yet. Your signature covers all of it:";
  return [
    intro,
    ...(since ? [`  Digest of state ${since.sequence}: ${since.digest}`] : []),
    ...lines.map((line) => `  ${line}`),
    ...(beside
      ? [`  state ${beside.sequence}, which is here, is not behind it: the new state follows both, and agent-vault 0.2.0 cannot read it`]
      : []),
    ...(resealed.length > 0 ? [`  ${plural(resealed.length, "secret")} will be re-encrypted for the readers in the manifest`] : []),
    `Digest: ${digest}`,
  ];
}
