import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cli, PRINTING, RUNNING, USED, type Place } from "../support/doors.js";
import { setLastAsked } from "../support/memory-and-clock.js";
import { errorCode, Sandbox } from "../support/sandbox.js";
import { makeVault } from "../support/vault.js";

function script(box: Sandbox, text: string): void {
  chmodSync(box.write(USED, `#!/bin/sh\n${text}\n`), 0o755);
}

/** What a reader's clone is at, and the code in it. */
function snapshot(box: Sandbox, { clone }: Place): readonly string[] {
  const git = (...words: string[]) => box.gitIn(clone, ...words);
  const fetched = join(clone, ".git/FETCH_HEAD");
  return [
    git("for-each-ref", "refs/heads", "refs/remotes", "refs/tags"),
    git("rev-parse", "HEAD"),
    git("status", "--porcelain", "--ignored"),
    git("ls-files", "--stage"),
    existsSync(fetched) ? readFileSync(fetched, "utf8") : "",
    readFileSync(join(clone, USED), "utf8"),
  ];
}

/** What a host puts beside a new state of the vault. */
const CODE: Readonly<Record<string, (box: Sandbox) => void>> = {
  "another program": (box) => script(box, "echo of the host"),
  "a link in the program's place": (box) => {
    rmSync(join(box.repository, USED));
    symlinkSync("/bin/false", join(box.repository, USED));
  },
  "a program that is gone, and rules for git": (box) => {
    rmSync(join(box.repository, USED));
    box.write(".gitattributes", "* filter=host\n");
  },
  "a tag and a branch called HEAD": (box) => {
    box.write("note", "1");
    for (const ref of ["refs/tags/HEAD", "refs/heads/HEAD"]) box.gitIn(join(box.root, "remote.git"), "update-ref", ref, "refs/heads/main");
  },
};

describe("a read takes the host's new state of the vault and none of its code", () => {
  it.each(Object.keys(CODE))(
    "%s",
    async (name) => {
      const box = new Sandbox();
      await makeVault(box, { "stripe/api-key": "value-one" });
      script(box, "echo of the person");
      box.git("add", "--all");
      box.git("commit", "--quiet", "--message", "Code");
      box.addRemote();
      const place = { clone: join(box.root, "clone"), env: {} };
      box.gitIn(box.root, "clone", "--quiet", "remote.git", place.clone);
      await box.set("stripe/api-key", "value-two");
      CODE[name]!(box);
      box.git("add", "--all");
      box.git("commit", "--quiet", "--message", "By the host");
      box.git("push", "--quiet", "origin", "refs/heads/main");
      const before = snapshot(box, place);
      // The first kind at each door; of the others each at one.
      const turn = Object.keys(CODE).indexOf(name);
      const some = <T>(doors: Readonly<Record<string, T>>) =>
        Object.entries(doors).filter((_, index) => turn === 0 || index === turn % Object.keys(doors).length);
      for (const [what, door] of some(PRINTING)) {
        setLastAsked(place.clone);
        expect([what, (await door(box, place)).stdout.toString()]).toEqual([what, "value-two"]);
        expect([what, snapshot(box, place)]).toEqual([what, before]);
      }
      for (const [what, door] of some(RUNNING)) {
        setLastAsked(place.clone);
        expect([what, (await door(box, place)).stdout.toString()]).toEqual([what, expect.stringContaining("of the person")]);
        expect([what, snapshot(box, place)]).toEqual([what, before]);
      }
    },
    120_000,
  );
});

describe("a vault that its remote does not have yet", () => {
  it("is read at every door, and synced", async () => {
    const box = new Sandbox();
    box.write("app.js", "1\n");
    script(box, "echo used");
    box.git("add", "--all");
    box.git("commit", "--quiet", "--message", "Code");
    box.addRemote();
    await makeVault(box, { "stripe/api-key": "value-one" });
    const place = { clone: box.repository, env: {} };
    for (const [what, door] of Object.entries(PRINTING)) {
      const { stdout, stderr } = await door(box, place);
      expect([what, stdout.toString(), errorCode({ stderr } as never)]).toEqual([what, "value-one", undefined]);
    }
    for (const [what, door] of Object.entries(RUNNING))
      expect([what, (await door(box, place)).stdout.toString()]).toEqual([what, expect.stringContaining("used")]);
    expect((await cli("list")(box, place)).code).toBe(0);
    expect((await cli("sync")(box, place)).stderr).toBe("");
    expect(box.gitIn(join(box.root, "remote.git"), "ls-tree", "--name-only", "main")).toContain(".agent-vault");
    mkdirSync(join(box.root, "other"));
    box.gitIn(box.root, "clone", "--quiet", "remote.git", "other");
    expect((await PRINTING["get"]!(box, { clone: join(box.root, "other"), env: {} })).stdout.toString()).toBe("value-one");
  }, 120_000);
});
