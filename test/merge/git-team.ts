import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { onTestFinished } from "vitest";
import { installHook } from "#hooks/index.js";
import { CLI, prepared } from "../support/sandbox.js";
import { makeVault } from "../support/vault.js";
import { addBen, teamOf, type Team } from "./team.js";

/** Where our merge driver notes that a merge is to be signed. */
export const MARK = ".git/agent-vault/unfinished-merge.json";

const vault = prepared(async (box) => {
  const secrets = { "g/p": "first", "h/other": "other", "g/gone": "gone", "g/old": "old", "h/more": "more" };
  await makeVault(box, secrets, { bot: ["g", "h/other"], left: ["g"] });
  box.write("app.js", "1\n2\n3\n4\n5\n");
  box.git("add", "app.js");
  box.git("commit", "--quiet", "--message", "Code");
  await addBen(box);
  await installHook(box.context(), box.repository, { command: [process.execPath, CLI] });
});

/**
 * As `makeTeam`, with some more secrets and the agent `left`, and with the merge driver in both clones.
 * @param options.hooks whether git runs the hooks as well
 */
export async function makeGitTeam({ hooks = false } = {}): Promise<Team> {
  const team = teamOf(await vault());
  await installHook(team.ben.context(), team.ben.folder, { command: [process.execPath, CLI] });
  if (!hooks) for (const { folder } of [team.ana, team.ben]) team.box.gitIn(folder, "config", "core.hooksPath", join(folder, ".git/none"));
  return team;
}

/** Keeps a machine as it is now. @returns what puts it back, at the same paths */
export function keepMachine({ root }: { readonly root: string }): () => void {
  const kept = mkdtempSync(join(tmpdir(), "agent-vault-kept-"));
  onTestFinished(() => rmSync(kept, { recursive: true, force: true }));
  const copy = (from: string, to: string) => cpSync(from, to, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
  copy(root, kept);
  return () => {
    for (const name of readdirSync(root)) rmSync(join(root, name), { recursive: true });
    copy(kept, root);
  };
}
