import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { addOwner, removeOwner, revoke, set, sign, sync, VaultError, type SignProposal } from "#vault/index.js";
import { digestOf } from "#vault/lock/digest.js";
import { parseLock, type Lock } from "#vault/lock/lock.js";
import { addColleague } from "../support/colleague.js";
import { CLI, errorCode, prepared, type Sandbox } from "../support/sandbox.js";
import { Pty } from "../support/pty.js";
import { setLastAsked } from "../support/memory-and-clock.js";
import { lacks } from "../support/programs.js";
import { makeVault } from "../support/vault.js";

/** The agent bot could read the secret, and cannot since the newest state. */
const vault = prepared(async (box) => makeVault(box, { "stripe/api-key": "one" }, { bot: ["stripe"] }));

const lockBytes = (box: Sandbox, folder = box.vault) => readFileSync(join(folder, "vault.lock"));
const lock = (box: Sandbox): Lock => parseLock(lockBytes(box));
const head = (box: Sandbox) => box.git("rev-parse", "HEAD").trim();

/** @returns the digest of the newest state, which lies on the remote; the work tree is at the one before */
async function goneBack(box: Sandbox): Promise<string> {
  box.addRemote();
  await revoke(box.context(), { vault: box.vault, agent: "bot", target: "stripe" });
  box.git("push", "--quiet");
  const newest = digestOf(lockBytes(box));
  box.git("reset", "--quiet", "--hard", "HEAD~1");
  return newest;
}

/** Goes on from the older files, as a person who confirms it. @returns what they were shown */
async function fromOlder(box: Sandbox, keyFile?: string, context = box.context()): Promise<SignProposal> {
  const result = await sign(context, {
    vault: box.vault,
    fromOlder: true,
    approve: () => true,
    ...(keyFile !== undefined && { key: { keyFile } }),
  });
  return result!.proposal;
}

/** Joins with what the remote has, where the vault here is the newer one, and pushes. */
function publish(box: Sandbox): void {
  box.git("merge", "--quiet", "--strategy=ours", "--no-edit", "origin/main");
  box.git("push", "--quiet");
}

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => (error instanceof VaultError ? error.code : error),
  );

const read = (box: Sandbox, clone: string, key: string, home = box.home) =>
  box.process(["get", "stripe/api-key", "--key", key], { cwd: clone, env: { HOME: home, CI: "true" } });

/** What somebody else has: a clone and a home of their own. They have seen the vault. */
async function colleague(box: Sandbox, key: string): Promise<{ read: () => Promise<string> }> {
  const { clone, home } = addColleague(box);
  await read(box, clone, key, home);
  return {
    read: async () => {
      setLastAsked(clone);
      const outcome = await read(box, clone, key, home);
      return outcome.code === 0 ? outcome.stdout.toString() : errorCode(outcome)!;
    },
  };
}

describe("going on from an older state", () => {
  it("makes a state that follows the newest one, so that nobody is alarmed, and shows whose access comes back", async () => {
    const box = await vault();
    const newest = await goneBack(box);
    const bot = await colleague(box, box.agentKey("bot"));
    const owner = await colleague(box, box.ownerKey);
    expect([await bot.read(), await owner.read()]).toEqual(["NOT_AUTHORIZED", "one"]);

    expect(await codeOf(sign(box.context(), { vault: box.vault, approve: () => true }))).toBe("ROLLBACK");
    const shown = await fromOlder(box);
    expect(shown.since).toMatchObject({ digest: newest });
    expect(shown.beside).toBeUndefined();
    expect(shown.difference.access).toMatchObject([{ agent: "bot", gains: ["stripe/api-key"], loses: [] }]);
    expect(lock(box).previous).toEqual([newest]);

    publish(box);
    expect([await bot.read(), await owner.read()]).toEqual(["one", "one"]);
  });

  it("follows both where the newest state does not have the one here behind it", async () => {
    const box = await vault();
    box.addRemote();
    const clone = mkdtempSync(join(box.root, "clone-"));
    box.git("clone", "--quiet", join(box.root, "remote.git"), clone);
    await box.set("here/secret", "here");
    const here = digestOf(lockBytes(box));
    await set(box.context({ cwd: clone }), { vault: join(clone, ".agent-vault"), path: "there/secret", value: Buffer.from("there") });
    const there = digestOf(lockBytes(box, join(clone, ".agent-vault")));
    box.gitIn(clone, "push", "--quiet");
    box.git("fetch", "--quiet");

    const shown = await fromOlder(box);
    expect(shown).toMatchObject({ since: { digest: there }, beside: { digest: here } });
    expect(shown.difference.secrets).toMatchObject({ added: ["here/secret"], removed: ["there/secret"] });
    expect(lock(box).previous).toEqual([here, there].toSorted());
    expect(lockBytes(box).toString()).toContain("version: 2\n");
    publish(box);
    const owner = await colleague(box, box.ownerKey);
    expect(await owner.read()).toBe("one");
  });

  it("finds the newest state in a repository without a remote, where no branch holds it any more", async () => {
    const box = await vault();
    await box.set("stripe/api-key", "two");
    const newest = digestOf(lockBytes(box));
    box.git("reset", "--quiet", "--hard", "HEAD~1");
    const shown = await fromOlder(box);
    expect(shown).toMatchObject({ since: { digest: newest }, difference: { secrets: { changed: ["stripe/api-key"] } } });
    expect(lock(box).previous).toEqual([newest]);
    expect((await read(box, box.repository, box.agentKey("bot"))).stdout.toString()).toBe("one");
  });

  it("is refused to an owner whom the newest state has removed", async () => {
    const box = await vault();
    const nina = join(box.root, "nina.key");
    await addOwner(box.context(), { vault: box.vault, owner: "nina", keyOut: nina });
    box.addRemote();
    await removeOwner(box.context(), { vault: box.vault, owner: "nina" });
    box.git("push", "--quiet");
    box.git("reset", "--quiet", "--hard", "HEAD~1");
    const before = head(box);
    expect(await codeOf(fromOlder(box, nina))).toBe("NOT_AUTHORIZED");
    expect(head(box)).toBe(before);
    // On a machine that knows nothing nobody can tell, and those who know the newest state do not take what she signs.
    const owner = await colleague(box, box.ownerKey);
    const home = mkdtempSync(join(box.root, "nina-"));
    box.git("update-ref", "-d", "refs/remotes/origin/main");
    const alone = box.context({ home: join(home, ".agent-vault") });
    await set(alone, { vault: box.vault, path: "stripe/api-key", value: Buffer.from("hers"), key: { keyFile: nina } });
    box.git("push", "--quiet", "--force");
    expect(["UNTRUSTED_SIGNER", "FORKED"]).toContain(await owner.read());
  });

  it("needs the newest state in the repository, and says what to fetch", async () => {
    const box = await vault();
    box.addRemote();
    const clone = mkdtempSync(join(box.root, "clone-"));
    box.git("clone", "--quiet", join(box.root, "remote.git"), clone);
    await set(box.context({ cwd: clone }), { vault: join(clone, ".agent-vault"), path: "stripe/api-key", value: Buffer.from("two") });
    await sync(box.context({ cwd: clone }), join(clone, ".agent-vault"));
    // This machine has seen it, and this clone has not fetched it.
    const error = await fromOlder(box).catch((error: unknown) => error as VaultError);
    expect(error).toMatchObject({ code: "ROLLBACK", remedy: expect.stringContaining("git fetch origin") as string });
    box.git("fetch", "--quiet", "origin");
    expect((await fromOlder(box)).difference.secrets.changed).toEqual(["stripe/api-key"]);
  });

  it("is for a person alone: no coding agent, no --yes, no pipe, and only in an older state", async () => {
    const box = await vault();
    expect(await codeOf(fromOlder(box))).toBe("USAGE");
    await goneBack(box);
    const before = head(box);
    for (const name of ["CLAUDECODE", "AI_AGENT"]) {
      const context = box.context({ env: { ...box.env, [name]: "1" } });
      expect(await codeOf(fromOlder(box, undefined, context))).toBe("CONFIRMATION_REQUIRED");
    }
    const { digest } = JSON.parse(await box.ok("sign", "--from-older", "--dry-run", "--json")) as SignProposal;
    expect(errorCode(await box.cli(["sign", "--from-older", "--yes", digest]))).toBe("USAGE");
    expect(errorCode(await box.cli(["sign", "--from-older"], { input: "y\n" }))).toBe("CONFIRMATION_REQUIRED");
    expect(errorCode(await box.cli(["sign", "--yes", digest]))).toBe("ROLLBACK");
    expect(head(box)).toBe(before);
  });

  it.skipIf(lacks("script"))("is confirmed on a terminal by the newest state's digest, and by nothing else", async () => {
    const box = await vault();
    const digits = (await goneBack(box)).slice("sha256:".length);
    const before = head(box);
    const type = async (text: string) => {
      const pty = new Pty(`'${process.execPath}' '${CLI}' sign --from-older`, { cwd: box.repository, env: box.env });
      await pty.shows("of its digest:");
      pty.type(`${text}\n`);
      await pty.closed;
    };
    for (const text of ["y", digits.slice(0, 11), `${digits.slice(0, 11)}${digits[11] === "0" ? "1" : "0"}`]) {
      await type(text);
      expect(head(box)).toBe(before);
    }
    await type(digits.slice(0, 12));
    expect(lock(box).previous).toEqual([`sha256:${digits}`]);
  });
});

describe("signing after git revert", () => {
  it("issues the older files as a new state on top of the newest, which everybody reads", async () => {
    const box = await vault();
    box.addRemote();
    await revoke(box.context(), { vault: box.vault, agent: "bot", target: "stripe" });
    await sync(box.context(), box.vault);
    const bot = await colleague(box, box.agentKey("bot"));
    const owner = await colleague(box, box.ownerKey);
    const newest = digestOf(lockBytes(box));
    box.git("revert", "--no-edit", "HEAD");
    expect(await codeOf(sync(box.context(), box.vault))).toBe("ROLLBACK");

    const result = await sign(box.context(), { vault: box.vault, approve: () => true });
    expect(result!.proposal).toMatchObject({
      since: { digest: newest },
      difference: { access: [{ agent: "bot", gains: ["stripe/api-key"] }] },
    });
    expect(lock(box).previous).toEqual([newest]);
    await sync(box.context(), box.vault);
    expect([await bot.read(), await owner.read()]).toEqual(["one", "one"]);
  });

  it("does the same where files were edited in the older state as well, and with --from-older", async () => {
    const box = await vault();
    await box.set("stripe/api-key", "two");
    const newest = digestOf(lockBytes(box));
    box.git("revert", "--no-edit", "HEAD");
    writeFileSync(join(box.vault, "policy.yaml"), "version: 1\nrules: []\n");
    const shown = await fromOlder(box);
    expect(shown.difference).toMatchObject({ secrets: { changed: ["stripe/api-key"] } });
    expect(lock(box).previous).toEqual([newest]);
  });
});
