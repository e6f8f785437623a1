// A merge by sync of two clones that have each changed secrets of a large vault, beside git's own merge of as many text files.
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { processContext, removeAgent, set } from "../../packages/vault/dist/index.js";
import { comparison, medians } from "./measure.mjs";
import { buildVault } from "./vault.mjs";

const SECRETS = 10_000;
const CHANGES = 100;

export function measure({ full, withMachine, say }) {
  return withMachine(async (machine) => {
    say(`building a vault of ${SECRETS} and two clones with ${CHANGES} changes each, which takes minutes`);
    const { files } = await buildVault(machine, { secrets: SECRETS, recipients: 2 });
    const paths = files.map((file) => file.replace(/^.*\/secrets\/|\.enc$/g, ""));
    const here = new Clones(machine);
    for (const [index, folder] of [here.ours, here.theirs].entries()) {
      const context = processContext({ cwd: folder, env: machine.env });
      for (let count = 0; count < CHANGES; count++) {
        const path = paths[index * (SECRETS / 2) + count];
        await set(context, { vault: join(folder, ".agent-vault"), path, value: Buffer.from(`new ${count}`) });
      }
    }
    const text = gitAlone(machine, paths);
    const merge = here.measure();
    const { sync, git } = medians({ sync: () => merge(), git: () => text() }, full ? 5 : 3);
    const results = [
      comparison(`merge of ${CHANGES} and ${CHANGES} changes in ${SECRETS}`, sync, "git merge of text files", git, {
        says: "within 3 s",
        reached: sync <= 3000,
      }),
    ];
    if (!full) return results;

    say("removing the one agent that reads everything, on one side");
    const context = processContext({ cwd: here.theirs, env: machine.env });
    const start = performance.now();
    await removeAgent(context, { vault: join(here.theirs, ".agent-vault"), agent: "agent-001" });
    const removal = performance.now() - start;
    const again = here.measure();
    const reencrypting = again();
    results.push(
      comparison(`merge with a removal that ${SECRETS} are encrypted for`, reencrypting, "the removal itself", removal, {
        says: "1.3 times a revoke",
        reached: reencrypting <= 1.3 * removal,
      }),
    );
    return results;
  });
}

/** Two clones of one bare remote. */
class Clones {
  constructor(machine) {
    this.machine = machine;
    this.ours = machine.repository;
    this.theirs = join(machine.root, "theirs");
    this.remote = join(machine.root, "remote.git");
    machine.run("git", "clone", "--quiet", "--bare", this.ours, this.remote);
    machine.run("git", "remote", "add", "origin", this.remote);
    machine.run("git", "fetch", "--quiet", "origin");
    machine.run("git", "branch", "--quiet", "--set-upstream-to=origin/main");
    machine.run("git", "clone", "--quiet", this.remote, this.theirs);
  }

  /** Pushes what one side has, and gives a function that merges it into the other, as often as it is called. @returns milliseconds */
  measure() {
    const { machine, ours, theirs, remote } = this;
    machine.run("git", "-C", theirs, "push", "--quiet", "origin", "HEAD:main");
    const kept = join(machine.root, "kept");
    rmSync(kept, { recursive: true, force: true });
    for (const [from, name] of [
      [ours, "ours"],
      [remote, "remote"],
      [machine.home, "home"],
    ])
      cpSync(from, join(kept, name), { recursive: true });
    return () => {
      for (const [to, name] of [
        [ours, "ours"],
        [remote, "remote"],
        [machine.home, "home"],
      ]) {
        rmSync(to, { recursive: true, force: true });
        cpSync(join(kept, name), to, { recursive: true });
      }
      return machine.run(...machine.cli("sync"));
    };
  }
}

/** A repository of as many text files, changed in two branches, and a function that merges them. */
function gitAlone(machine, paths) {
  const folder = join(machine.root, "text");
  const git = (...words) => machine.run("git", "-C", folder, ...words);
  mkdirSync(folder);
  const write = (path, text) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  git("init", "--quiet");
  for (const path of paths) {
    write(`${path}.txt`, `value of ${path}\n`);
    write(`${path}.yaml`, `name: ${path}\nversion: 1\n`);
  }
  git("add", "--all");
  git("commit", "--quiet", "--message", "base");
  for (const [branch, from] of [
    ["theirs", paths.length / 2],
    ["ours", 0],
  ]) {
    git("checkout", "--quiet", "-b", branch, "main");
    for (const path of paths.slice(from, from + CHANGES)) write(`${path}.txt`, `new value of ${path}\n`);
    git("commit", "--quiet", "--all", "--message", branch);
  }
  return () => {
    git("reset", "--quiet", "--hard", "ours");
    return git("merge", "--quiet", "--no-edit", "theirs");
  };
}
