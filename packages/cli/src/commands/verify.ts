import process from "node:process";
import { Flags } from "@oclif/core";
import { findKeyMaterial } from "@agent-vault/hooks";
import {
  describeDifference,
  findVault,
  FINDINGS,
  parseDuration,
  verificationError,
  verificationMarkdown,
  verificationSarif,
  verify,
  type Verification,
} from "@agent-vault/vault";
import { reportError } from "../terminal/report-error.js";
import { jsonText } from "../terminal/standard-output.js";
import { VaultCommand } from "../vault-command.js";
import { formatVaultFindings } from "../findings/vault-findings.js";

export default class Verify extends VaultCommand {
  static override helpGroup = "checks" as const;
  static override summary = "Verify that the vault is what its owners signed";
  static override needsPerson = "never" as const;
  static override description =
    "Checks the signature, digests, recipients, names, expiry and keys in clear text. Needs no key and no network, and writes nothing. Exits with 5 if there are errors.";
  static override examples = [
    "agent-vault verify",
    "agent-vault verify --strict --max-age 30d",
    "agent-vault verify --at HEAD --against origin/main --format markdown",
  ];
  static override flags = {
    at: Flags.string({ description: "verify this commit in place of the work tree", helpValue: "REV" }),
    against: Flags.string({
      description: "show what gives more access, and everything else that differs from this commit",
      helpValue: "REV",
    }),
    strict: Flags.boolean({ description: "treat warnings as errors" }),
    "max-age": Flags.string({ description: "fail if the state was signed longer ago, such as 30d", helpValue: "TIME" }),
    "min-sequence": Flags.integer({ description: "fail if the state has a lower number", helpValue: "N", min: 1 }),
    format: Flags.string({ description: "the output format", options: ["text", "json", "markdown", "sarif"], default: "text" }),
  };
  static override allowsToken = true;

  async run(): Promise<void> {
    const { flags } = await this.parseCommandLine(Verify);
    const maxAge = flags["max-age"];
    const verification = await verify(this.context, findVault(this.context), {
      at: flags.at,
      against: flags.against,
      strict: flags.strict,
      maxAgeMs: maxAge === undefined ? undefined : parseDuration(maxAge),
      minSequence: flags["min-sequence"],
      findKeys: findKeyMaterial,
    });
    const format = flags.json ? "json" : flags.format;
    if (format === "json") process.stdout.write(jsonText(asJson(verification)));
    else if (format === "sarif") process.stdout.write(jsonText(verificationSarif(verification, await this.#version())));
    else this.print(verification, () => (format === "markdown" ? verificationMarkdown(verification) : formatVerification(verification)));
    const error = verificationError(verification.findings);
    if (error) process.exitCode = reportError(error, false);
  }

  async #version(): Promise<string> {
    await this.config.load();
    return this.config.version;
  }
}

function* formatVerification({ state, findings, comparison, merged }: Verification): Generator<string> {
  if (state) {
    const until = state.validUntil ? `, valid until ${state.validUntil.toISOString()}` : "";
    yield `State ${state.sequence} of the vault ${state.vault}, signed by ${state.signer ?? "an unknown signer"} (${state.fingerprint}) on ${state.signedAt.toISOString()}${until}.`;
  }
  yield* formatVaultFindings(findings);
  for (const { digest, sequence, changes } of merged) {
    const name = sequence === undefined ? digest : `state ${sequence} (${digest.slice(0, "sha256:".length + 12)})`;
    yield changes ? `Merges ${name}, of which it changed:` : `Merges ${name}, which this clone does not hold.`;
    for (const { text, widens } of changes ?? []) yield `  ${widens ? "! " : ""}${text}`;
  }
  if (!comparison) return;
  const { revision, commit, base, before, difference } = comparison;
  const what = { absent: " which has no vault", unsigned: " which is not signed", signed: "" }[before];
  const from = base === commit ? "" : `, at the commit that both began from (${base.slice(0, 12)})`;
  yield `Compared with ${revision} (${commit.slice(0, 12)})${from}${what && `,${what}`}:`;
  const lines = describeDifference(difference);
  for (const line of lines.length > 0 ? lines : ["no differences"]) yield `  ${line}`;
}

function asJson({ ok, folder, commit, state, findings, comparison, merged }: Verification): object {
  return {
    ok,
    folder,
    commit,
    state: state && {
      vault: state.vault,
      sequence: state.sequence,
      signed_at: state.signedAt,
      valid_until: state.validUntil,
      signer: state.signer,
      fingerprint: state.fingerprint,
    },
    findings: findings.map((finding) => ({ ...finding, code: FINDINGS[finding.kind].code })),
    against: comparison,
    ...(merged.length > 0 && { merged }),
  };
}
