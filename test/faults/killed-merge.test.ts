import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { describe, expect, it, onTestFinished } from "vitest";
import { verify } from "#vault/index.js";
import { keepMachine, makeGitTeam, MARK } from "../merge/git-team.js";
import { store, type Team } from "../merge/team.js";
import { CLI } from "../support/sandbox.js";
import { SLOW } from "../support/slow.js";

/** A program `git` that kills who starts it for the n-th time. */
function killingGit(team: Team, at: number): string {
  const folder = mkdtempSync(join(tmpdir(), "agent-vault-git-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const real = team.box.gitIn(team.box.root, "--exec-path").trim();
  const kill = `echo >> '${folder}/calls'; [ "$(wc -l < '${folder}/calls')" -ne ${at} ] || kill -9 $PPID`;
  writeFileSync(join(folder, "git"), `#!/bin/sh\n${kill}\nexec '${real}/git' "$@"\n`, { mode: 0o755 });
  return `${folder}${delimiter}${process.env["PATH"]}`;
}

async function diverged(): Promise<Team> {
  const team = await makeGitTeam();
  const { ana, ben } = team;
  await store(ana, "g/a", "by ana");
  await store(ben, "g/b", "by ben");
  ben.git("push", "--quiet");
  ana.git("fetch", "--quiet");
  return team;
}

/** A sync or a change ends it, and nothing is lost. */
async function expectEnded({ ana }: Team, at: number): Promise<void> {
  if (at % 2 === 0) await ana.sync();
  else await store(ana, "g/later", "later").catch(() => ana.sync());
  await ana.sync();
  expect((await verify(ana.context(), ana.vault, { strict: true })).findings).toEqual([]);
  expect([await ana.read("g/a"), await ana.read("g/b")]).toEqual(["by ana", "by ben"]);
  // What git had given a driver lies there after its death.
  expect(ana.git("status", "--porcelain").replaceAll(/^\?\? \.merge_file_\w+\n/gm, "")).toBe("");
  expect(existsSync(join(ana.folder, MARK))).toBe(false);
}

describe("a merge, killed", { timeout: SLOW ? 3_600_000 : 300_000 }, () => {
  it("by git with the driver, is ended by a sync or a change, at every file", async () => {
    const team = await diverged();
    const { ana, box } = team;
    const driver = ana.git("config", "merge.agent-vault.driver").trim();
    const restore = keepMachine(box);
    for (let at = 1; ; at++) {
      restore();
      const log = join(box.root, "calls");
      const killing = `echo >>'${log}'; [ "$(wc -l <'${log}')" -ne ${at} ] || kill -9 $PPID; ${driver}`;
      ana.git("config", "merge.agent-vault.driver", killing);
      const { signal, code } = await box.run("git", ["merge", "--quiet", "--no-edit", "origin/main"], { cwd: ana.folder });
      // As git itself says after a crash.
      rmSync(join(ana.folder, ".git/index.lock"), { force: true });
      await expectEnded(team, at);
      if (code === 0) break;
      expect(signal).toBe("SIGKILL");
    }
  });

  it("by sync, is ended by the next one, at every call of git", async () => {
    const team = await diverged();
    const { ana, box } = team;
    const restore = keepMachine(box);
    const step = SLOW ? 1 : 31;
    for (let at = 1; ; at += step) {
      restore();
      ana.git("merge", "--quiet", "--no-edit", "origin/main");
      const path = killingGit(team, at);
      const { signal } = await box.run(process.execPath, [CLI, "sync"], { cwd: ana.folder, env: { PATH: path } });
      await expectEnded(team, at);
      if (signal === null) break;
    }
  });
});
