import { type Context, andMore } from "@agent-vault/vault/read-only";
import { ALLOW_FILE } from "./allow.js";
import { fileName, type ScanFinding, quoted } from "./finding.js";
import { records, runGit } from "./git.js";

/**
 * What to do about findings, as sentences: one for each stage on the way into history that their files have reached, and one on how to
 * allow what is known to be harmless.
 * @throws VaultError `GIT_MISSING`
 */
export async function adviceFor(context: Context, findings: readonly ScanFinding[]): Promise<string[]> {
  if (findings.length === 0) return [];
  if (findings.some(({ commit }) => commit !== undefined)) {
    return [
      "Rotate each secret: everyone who has these commits has it. Removing it in a later commit leaves it in history; before the branch is merged, rewrite it: git rebase -i.",
      `A known test key is allowed by a line in ${ALLOW_FILE} that the base of the range has already.`,
    ];
  }
  const [committed, staged] = await Promise.all([
    filesOf(context, ["ls-tree", "-r", "--full-tree", "--name-only", "-z", "HEAD"]),
    filesOf(context, ["ls-files", "--full-name", "-z", "--", ":/"]),
  ]);
  const files = [...new Set(findings.map(({ file }) => file))];
  const advice: string[] = [];
  const say = (which: (file: string) => boolean, stage: string, remedy: string): void => {
    const names = files.filter(which);
    if (names.length > 0) advice.push(`${stage}: ${listed(names)}. ${remedy}`);
  };
  say(
    (file) => committed.has(file),
    "Committed",
    "Rotate the secret: it was committed. Then remove it from the file, or remove the file from git: git rm --cached FILE.",
  );
  say(
    (file) => !committed.has(file) && staged.has(file),
    "Staged, but not committed",
    "Remove it and stage the file again, or unstage the file: git rm --cached FILE.",
  );
  say((file) => !committed.has(file) && !staged.has(file), "Not in git", "Add it to .gitignore, or move it out of the repository.");
  if (findings.some(({ fingerprint }) => fingerprint !== undefined))
    advice.push(`To allow a test key that is used nowhere else, run agent-vault scan FILE --allow, then git add ${ALLOW_FILE}.`);
  else if (findings.some(({ kind }) => kind === "stray-in-vault"))
    advice.push(`To allow a file that belongs there, run agent-vault scan FILE --allow, then git add ${ALLOW_FILE}.`);
  return advice;
}

/** The files that git names, none where there is no repository or no commit. */
async function filesOf(context: Context, args: readonly string[]): Promise<Set<string>> {
  const { exit, stdout } = await runGit(context, context.cwd, args);
  return new Set(exit === 0 ? records(stdout).map(fileName) : []);
}

const MAX_NAMES = 5;

function listed(files: readonly string[]): string {
  return andMore(files.map(quoted), MAX_NAMES);
}
