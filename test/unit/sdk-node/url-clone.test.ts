import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it, vi } from "vitest";
import { Vault } from "#sdk-node/index.js";
import { agentsMachines, runProgram, SDK } from "./agents-machine.js";
import { rounds, SLOW } from "../../support/slow.js";

const grantedVault = agentsMachines();

/** A remote that can leave files out, with code beside the vault. */
async function served({ filter = true } = {}) {
  const { box, options } = await grantedVault();
  const remote = box.addRemote();
  box.gitIn(remote, "config", "uploadpack.allowFilter", String(filter));
  box.write(join(box.repository, "code.txt"), "code of the repository");
  box.git("add", "code.txt");
  box.git("commit", "--quiet", "--message", "code");
  box.git("push", "--quiet");
  const url = pathToFileURL(remote).href;
  const keyStr = readFileSync(options.keyPath, "utf8");
  const cache = join(box.home, ".agent-vault/cache");
  const clone = () => join(cache, readdirSync(cache)[0]!, "repository");
  const vault = (ref = "") => new Vault({ keyStr, repoPath: `${url}${ref}` });
  const push = async (path: string, value: string) => {
    await box.set(path, value);
    box.git("push", "--quiet");
  };
  const holdsCode = () => !box.gitIn(clone(), "rev-list", "--objects", "--missing=print", "--all", "--", "code.txt").includes("?");
  return { box, options, remote, url, cache, clone, vault, push, holdsCode };
}

describe("the clone of a URL", () => {
  it("holds the vault and none of the code, fetched without asking for single files", async () => {
    const { box, clone, vault, push, holdsCode } = await served();
    vi.stubEnv("GIT_TRACE", join(box.root, "trace"));
    expect(await vault().get("stripe/api-key")).toBe("sk_1");
    expect(holdsCode()).toBe(false);
    expect(existsSync(join(clone(), ".agent-vault"))).toBe(false);
    const missing = box.gitIn(clone(), "rev-list", "--objects", "--missing=print", "refs/remotes/origin/main^{tree}", "--", ".agent-vault");
    expect(missing).not.toContain("?");
    const fetches = execFileSync("grep", ["-cE", "built-in: git (clone|fetch) ", join(box.root, "trace")], { encoding: "utf8" });
    // The commits, home by its name, what says who signed it, the rest.
    expect(Number(fetches)).toBe(4);
    expect(box.gitIn(clone(), "config", "--list")).not.toMatch(/promisor|partialclonefilter|extensions.partialclone/);
    await push("stripe/api-key", "sk_2");
    const later = vault();
    await later.pull();
    expect(await later.get("stripe/api-key")).toBe("sk_2");
    expect(later.listSecrets("stripe")).toHaveLength(2);
    expect(holdsCode()).toBe(false);
  });

  it("is a whole one where the remote leaves nothing out, or gives no single files", async () => {
    const { box, remote, cache, vault, holdsCode } = await served({ filter: false });
    expect(await vault().get("stripe/api-key")).toBe("sk_1");
    expect(holdsCode()).toBe(true);
    rmSync(cache, { recursive: true });
    box.gitIn(remote, "config", "uploadpack.allowFilter", "true");
    vi.stubEnv("GIT_CONFIG_COUNT", "1");
    vi.stubEnv("GIT_CONFIG_KEY_0", "protocol.version");
    vi.stubEnv("GIT_CONFIG_VALUE_0", "0");
    expect(await vault().get("stripe/api-key")).toBe("sk_1");
    expect(holdsCode()).toBe(true);
  });

  it("that an earlier version made, with all files, goes on", async () => {
    const { box, url, cache, vault, push } = await served();
    const former = join(cache, createHash("sha256").update(url).digest("hex").slice(0, 32));
    mkdirSync(cache, { recursive: true });
    box.gitIn(box.root, "clone", "--quiet", "--no-checkout", url, former);
    expect(await vault().get("stripe/api-key")).toBe("sk_1");
    await push("stripe/api-key", "sk_2");
    const later = vault();
    await later.pull();
    expect(await later.get("stripe/api-key")).toBe("sk_2");
    expect(readdirSync(cache).filter((name) => existsSync(join(cache, name, "repository")))).toEqual([]);
    // Damaged, it gives way to one of ours.
    for (const name of readdirSync(join(former, ".git/objects/pack"))) rmSync(join(former, ".git/objects/pack", name));
    expect(await vault().get("stripe/api-key")).toBe("sk_2");
  });

  it("is made once by many processes", async () => {
    const { box, url, cache } = await served();
    const program = `import { Vault } from "agent-vault";
      console.log(await new Vault({ repoPath: ${JSON.stringify(url)}, keyPath: ${JSON.stringify(box.agentKey("bot"))} }).get("stripe/api-key"));`;
    const env = { GIT_TRACE: join(box.root, "trace"), GIT_CONFIG_GLOBAL: box.env["GIT_CONFIG_GLOBAL"]! };
    const outcomes = await Promise.all(
      Array.from({ length: rounds(4, 16) }, (_, index) => runProgram(box, program, env, `agent-${index}.mjs`)),
    );
    expect(outcomes.map(({ stdout, stderr }) => `${stdout.toString()}${stderr}`)).toEqual(outcomes.map(() => "sk_1\n"));
    expect(execFileSync("grep", ["-c", "built-in: git clone ", join(box.root, "trace")], { encoding: "utf8" })).toBe("1\n");
    expect(readdirSync(join(cache, readdirSync(cache)[0]!)).toSorted()).toEqual(["locks", "repository"]);
  });
});

describe("the clone of a URL with a ref", () => {
  it("follows that ref alone, which may lag, and the rules of home judge", async () => {
    const { box, vault, push } = await served();
    box.git("push", "--quiet", "origin", "HEAD:refs/heads/release/1", "HEAD:refs/tags/v1");
    await push("stripe/api-key", "sk_2");
    expect(await vault().get("stripe/api-key")).toBe("sk_2");
    for (const ref of ["#release/1", "#refs/heads/release/1", "#v1", "#refs/tags/v1"])
      expect(await vault(ref).get("stripe/api-key")).toBe("sk_1");
    expect(await vault("#main").get("stripe/api-key")).toBe("sk_2");
    await box.ok("revoke", "bot", "stripe");
    box.git("push", "--quiet");
    const lagging = vault("#release/1");
    await lagging.pull();
    expect(await lagging.get("stripe/api-key")).toBe("sk_1");
    await box.ok("remove-agent", "bot");
    box.git("push", "--quiet");
    await lagging.pull();
    await expect(lagging.get("stripe/api-key")).rejects.toMatchObject({ code: "NOT_AUTHORIZED" });
  });

  it("is an error where the remote has no such ref, or has it no more", async () => {
    const { box, vault } = await served();
    await expect(vault("#gone").get("stripe/api-key")).rejects.toMatchObject({ code: "VAULT_NOT_FOUND" });
    box.git("push", "--quiet", "origin", "HEAD:refs/heads/next");
    const next = vault("#next");
    expect(await next.get("stripe/api-key")).toBe("sk_1");
    box.git("push", "--quiet", "origin", ":refs/heads/next");
    await next.pull();
    await expect(next.get("stripe/api-key")).rejects.toMatchObject({ code: "VAULT_NOT_FOUND" });
  });

  it("has a vault that the main branch need not have", async () => {
    const { box, remote, vault } = await served();
    box.git("push", "--quiet", "origin", "HEAD:refs/heads/vault");
    box.gitIn(remote, "symbolic-ref", "HEAD", "refs/heads/docs");
    const tree = box.git("rev-parse", "HEAD^{tree}:code.txt").trim();
    const code = execFileSync("git", ["mktree"], { cwd: remote, input: `100644 blob ${tree}\tcode.txt\n`, encoding: "utf8" }).trim();
    box.gitIn(
      remote,
      "update-ref",
      "refs/heads/docs",
      box.gitIn(remote, "-c", "user.name=x", "-c", "user.email=x@y", "commit-tree", "-m", "docs", code).trim(),
    );
    expect(await vault("#vault").get("stripe/api-key")).toBe("sk_1");
    await expect(vault().get("stripe/api-key")).rejects.toMatchObject({ code: "VAULT_NOT_FOUND" });
  });

  it("remembers home whatever ref and spelling of the remote it is read by", async () => {
    const { box, remote, cache, options, vault, push } = await served();
    const old = box.git("rev-parse", "HEAD").trim();
    await push("stripe/api-key", "sk_2");
    box.git("push", "--quiet", "origin", "HEAD:refs/heads/next");
    expect(await vault("#next").get("stripe/api-key")).toBe("sk_2");
    expect(await vault("#main").get("stripe/api-key")).toBe("sk_2");
    // The cache is gone, and the host's HEAD names another branch, at an old state.
    rmSync(cache, { recursive: true });
    box.git("push", "--quiet", "--force", "origin", `${old}:refs/heads/next`, `${old}:refs/heads/other`);
    box.gitIn(remote, "symbolic-ref", "HEAD", "refs/heads/other");
    expect(await vault().get("stripe/api-key")).toBe("sk_2");
    rmSync(cache, { recursive: true });
    box.git("push", "--quiet", "--force", "origin", `${old}:main`);
    for (const repoPath of [`${pathToFileURL(remote).href}/`, pathToFileURL(remote).href])
      await expect(new Vault({ ...options, repoPath }).get("stripe/api-key")).rejects.toMatchObject({ code: "ROLLBACK" });
  });
});

describe("a damaged clone of a URL", () => {
  const damages: Record<string, (git: string) => void> = {
    "lacks its packs": (git) => rmSync(join(git, "objects/pack"), { recursive: true }),
    "has packs that are cut off": (git) => {
      for (const name of readdirSync(join(git, "objects/pack")))
        if (name.endsWith(".pack")) execFileSync("truncate", ["-s", "-40", join(git, "objects/pack", name)]);
    },
    "has packs with other bytes": (git) => {
      for (const name of readdirSync(join(git, "objects/pack"))) {
        const file = join(git, "objects/pack", name);
        execFileSync("chmod", ["u+w", file]);
        if (name.endsWith(".pack")) writeFileSync(file, Buffer.alloc(4096, 7), { flag: "r+" });
      }
    },
    "has no HEAD": (git) => writeFileSync(join(git, "HEAD"), ""),
    "has a configuration that git cannot read": (git) => writeFileSync(join(git, "config"), "[core\n"),
    "has no refs": (git) => rmSync(join(git, "refs"), { recursive: true }),
    "is empty": (git) => rmSync(git, { recursive: true }),
  };
  it.each(Object.keys(damages))("is made again where it %s", async (name) => {
    const { clone, vault, push } = await served();
    expect(await vault().get("stripe/api-key")).toBe("sk_1");
    await push("stripe/api-key", "sk_2");
    damages[name]!(join(clone(), ".git"));
    const later = vault();
    await later.pull();
    expect(await later.get("stripe/api-key")).toBe("sk_2");
    // What could not wait may be the first that meets it.
    const list = () => later.listSecrets().length;
    expect(
      await Promise.resolve()
        .then(list)
        .catch(() => later.pull().then(list)),
    ).toBe(3);
  });

  it("is put right by the next call that can wait, after one that could not", async () => {
    const { clone, vault } = await served();
    const first = vault();
    await first.pull();
    rmSync(join(clone(), ".git/objects/pack"), { recursive: true });
    expect(() => first.listSecrets()).toThrowError(expect.objectContaining({ code: "GIT_FAILED" }));
    await first.pull();
    expect(first.listSecrets()).toHaveLength(3);
  });

  it("is cleared of what a killed process has left", async () => {
    const { cache, clone, vault, push } = await served();
    expect(await vault().get("stripe/api-key")).toBe("sk_1");
    await push("stripe/api-key", "sk_2");
    const git = join(clone(), ".git");
    const ours = join(
      git,
      execFileSync("git", ["-C", clone(), "for-each-ref", "--format=%(refname)", "refs/agent-vault"], { encoding: "utf8" }).trim(),
    );
    for (const file of ["config.lock", "shallow.lock", "HEAD.lock", "packed-refs.lock", "objects/pack/tmp_pack_x"])
      writeFileSync(join(git, file), "");
    mkdirSync(join(ours, ".."), { recursive: true });
    writeFileSync(`${ours}.lock`, "");
    const container = join(cache, readdirSync(cache)[0]!);
    mkdirSync(join(container, "drafts/new"), { recursive: true });
    const later = vault();
    await later.pull();
    expect(await later.get("stripe/api-key")).toBe("sk_2");
    expect(readdirSync(container).toSorted()).toEqual(["locks", "repository"]);
    expect(readdirSync(git).filter((name) => name.endsWith(".lock"))).toEqual([]);
    expect(readdirSync(join(git, "objects/pack")).filter((name) => name.startsWith("tmp"))).toEqual([]);
  });

  it("is whole or is not there, wherever a process that makes it is killed", async () => {
    const { box, url, cache, vault } = await served();
    const program = box.write(
      join(box.root, "agent.mjs"),
      `import { Vault } from ${JSON.stringify(SDK)};
       await new Vault({ repoPath: ${JSON.stringify(url)}, keyPath: ${JSON.stringify(box.agentKey("bot"))} }).get("stripe/api-key");`,
    );
    // A git that kills its caller, and waits for nobody, at its Nth start.
    const bin = join(box.root, "bin");
    mkdirSync(bin);
    const git = execFileSync("sh", ["-c", "command -v git"], { encoding: "utf8" }).trim();
    for (const at of SLOW ? Array.from({ length: 24 }, (_, index) => index + 1) : [2, 8, 14]) {
      rmSync(cache, { recursive: true, force: true });
      const count = join(box.root, "count");
      writeFileSync(count, "");
      box.write(join(bin, "git"), `#!/bin/sh\necho >> ${count}\n[ "$(wc -l < ${count})" -eq ${at} ] && kill -9 $PPID\nexec ${git} "$@"\n`);
      execFileSync("chmod", ["+x", join(bin, "git")]);
      const child = spawn(process.execPath, [program], { env: { ...box.env, PATH: `${bin}:${box.env["PATH"]}` }, stdio: "ignore" });
      await new Promise((resolve) => child.once("exit", resolve));
      expect(await vault().get("stripe/api-key")).toBe("sk_1");
      expect(readdirSync(cache)).toHaveLength(1);
    }
  });
});
