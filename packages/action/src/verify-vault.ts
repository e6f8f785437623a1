import { appendFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import * as core from "@actions/core";
import { findKeyMaterial } from "@agent-vault/hooks";
import { findVault, printable, VaultError, verificationError, verificationMarkdown, verify, type Verification } from "@agent-vault/vault";
import type { VerifyInputs } from "./inputs.js";
import { comment } from "./comment.js";
import { pullRequestOf, type PullRequest } from "./pull-request.js";

/** How many findings become annotations; the summary has more. */
const MAX_ANNOTATIONS = 50;

/**
 * Verifies the vault, without a key, and reports in the job's summary; on a pull request also what it gives access to and all else that it changes, and with a
 * token in a comment.
 * @throws VaultError the first error that was found, and what `verify` throws
 */
export async function verifyVault({ context, folder, token, warnings }: VerifyInputs): Promise<void> {
  const root = findVault(context, folder);
  const pullRequest = pullRequestOf(context.env);
  const verification = await compared(pullRequest);
  for (const warning of warnings) core.warning(warning, { title: "agent-vault" });
  annotate(verification, relative(context.cwd, root));
  const lines = verificationMarkdown(verification);
  const summary = context.env["GITHUB_STEP_SUMMARY"];
  if (summary) appendFileSync(summary, `${lines.join("\n")}\n`);
  if (token !== undefined && pullRequest) {
    try {
      core.info(await comment(context.env, token, pullRequest, { key: verification.folder, lines, isNews: isNews(verification) }));
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      core.warning(printable(`${error.message} ${error.remedy}`), { title: "agent-vault" });
    }
  }
  const error = verificationError(verification.findings);
  if (error) throw error;
  core.info(`The vault is verified: state ${verification.state?.sequence ?? "unsigned"}.`);

  /** Compared with what the pull request would change, where the checkout holds that. */
  async function compared(of: PullRequest | undefined): Promise<Verification> {
    for (const against of of?.bases ?? []) {
      try {
        return await verify(context, root, { against, findKeys: findKeyMaterial });
      } catch (error) {
        if (!(error instanceof VaultError) || error.code !== "INVALID_VALUE") throw error;
      }
    }
    if (of)
      core.warning(
        "The checkout does not have the commit that this pull request is compared with. Check out with fetch-depth: 2, or 0 for all.",
      );
    return verify(context, root, { findKeys: findKeyMaterial });
  }
}

/** Whether there is something that was not so before. */
function isNews({ ok, comparison }: Verification): boolean {
  return !ok || !comparison || comparison.difference.changes.length > 0;
}

/** @param folder the vault's, relative to the workspace */
function annotate({ findings }: Verification, folder: string): void {
  for (const { severity, kind, message, remedy, file, line } of findings.slice(0, MAX_ANNOTATIONS)) {
    const say = severity === "error" ? core.error : core.warning;
    const place = file === undefined ? {} : { file: join(folder, file).split(sep).join("/"), startLine: line ?? 1 };
    say(printable(`${message} ${remedy}`), { title: `agent-vault: ${kind}`, ...place });
  }
  if (findings.length > MAX_ANNOTATIONS) core.info(`And ${findings.length - MAX_ANNOTATIONS} more findings.`);
}
