import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { Vault } from "#sdk-node/index.js";
import { agentsMachines } from "../unit/sdk-node/agents-machine.js";

const grantedVault = agentsMachines();
const MIB = 1024 * 1024;

/** A host that serves a vault by URL, and may do with it what it wants. */
async function host() {
  const { box, options } = await grantedVault();
  const remote = box.addRemote();
  box.gitIn(remote, "config", "uploadpack.allowFilter", "true");
  const cache = join(box.home, ".agent-vault/cache");
  const vault = (ref = "") => new Vault({ ...options, repoPath: `${pathToFileURL(remote).href}${ref}` });
  const commit = (...files: string[]) => {
    box.git("add", "--all", "--force", ...files);
    box.git("commit", "--quiet", "--message", "by the host");
    box.git("push", "--quiet", "--force");
  };
  const clones = () =>
    (existsSync(cache) ? readdirSync(cache) : []).map((name) => join(cache, name, "repository")).filter((path) => existsSync(path));
  return { box, remote, cache, vault, commit, clones };
}

function bytesBelow(folder: string): number {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => statSync(join(folder, name)));
  return files.reduce((total, stat) => total + (stat.isFile() ? stat.size : 0), 0);
}

function warnings(): string[] {
  const heard: string[] = [];
  const listen = (warning: Error) => void heard.push(warning.message);
  process.on("warning", listen);
  onTestFinished(() => void process.off("warning", listen));
  return heard;
}

describe("a host of a URL's repository", () => {
  it("that withholds files of a new state keeps readers at the one before, and in strict mode that is an error", async () => {
    const { box, remote, vault, clones } = await host();
    const heard = warnings();
    expect(await vault().get("stripe/api-key")).toBe("sk_1");
    const [clone] = clones();
    const before = statSync(clone!).ino;
    await box.set("stripe/api-key", "sk_2");
    box.git("push", "--quiet");
    const blob = box.git("rev-parse", "HEAD:.agent-vault/secrets/stripe/api-key.enc").trim();
    rmSync(join(remote, "objects", blob.slice(0, 2), blob.slice(2)));
    const reader = vault();
    await reader.pull();
    expect(await reader.get("stripe/api-key")).toBe("sk_1");
    await vi.waitFor(() => expect(heard.join("\n")).toContain("could not be asked"));
    vi.stubEnv("AGENT_VAULT_STRICT", "1");
    await expect(vault().pull()).rejects.toMatchObject({ code: "GIT_FAILED" });
    // A sound clone is not made again because its host fails.
    expect(statSync(clone!).ino).toBe(before);
  });

  it.each(["sed 's/PACK/PUCK/'", "head -c 200", "head -c 5000 /dev/zero; true"])(
    "that sends %s in place of a pack gets nothing into the cache",
    async (filter) => {
      const { box, vault, clones } = await host();
      const hook = box.write(join(box.root, "hook"), `#!/bin/sh\n"$@" | ${filter}\n`);
      execFileSync("chmod", ["+x", hook]);
      box.git("config", "--global", "uploadpack.packObjectsHook", hook);
      await expect(vault().get("stripe/api-key")).rejects.toMatchObject({ code: "GIT_FAILED" });
      expect(clones()).toEqual([]);
    },
  );

  it("that serves large files has none fetched that belong in no vault or are larger than they can be", async () => {
    const { box, cache, vault, commit, clones } = await host();
    for (const file of ["huge", "secrets/huge.bin", "secrets/stripe/huge"]) box.write(join(box.vault, file), randomBytes(4 * MIB));
    commit(".agent-vault");
    expect(await vault().get("stripe/api-key")).toBe("sk_1");
    expect(bytesBelow(cache)).toBeLessThan(MIB);
    rmSync(cache, { recursive: true });
    box.write(join(box.vault, "vault.lock.sig"), randomBytes(24 * MIB));
    box.write(join(box.vault, "secrets/stripe/cert.enc"), randomBytes(4 * MIB));
    commit(".agent-vault");
    await expect(vault().get("stripe/api-key")).rejects.toMatchObject({ code: expect.stringMatching(/^(?:GIT_FAILED|BAD_SIGNATURE)$/) });
    expect(clones()).toEqual([]);
  });

  it("that commits older files on top of newer ones is found out at first sight", async () => {
    const { box, vault, commit, clones } = await host();
    const old = box.git("rev-parse", "HEAD").trim();
    await box.set("stripe/api-key", "sk_2");
    box.git("rm", "--quiet", "-r", ".agent-vault");
    box.git("checkout", "--quiet", old, "--", ".agent-vault");
    commit(".agent-vault");
    rmSync(join(box.home, ".agent-vault/trust"), { recursive: true });
    await expect(vault().get("stripe/api-key")).rejects.toMatchObject({ code: "ROLLBACK" });
    expect(clones()).toEqual([]);
  });

  it("that nobody trusts has no secrets fetched", async () => {
    const { box, cache, vault, commit } = await host();
    box.write(join(box.vault, "vault.lock"), `${readFileSync(join(box.vault, "vault.lock"), "utf8")}\n`);
    box.write(join(box.vault, "secrets/stripe/cert.enc"), randomBytes(4 * MIB));
    expect(await vault().get("stripe/api-key")).toBe("sk_1");
    commit(".agent-vault");
    const reader = vault();
    await reader.pull();
    // The state before is here, and is read in place of it.
    expect(await reader.get("stripe/api-key")).toBe("sk_1");
    expect(bytesBelow(cache)).toBeLessThan(MIB);
  });

  it("that has moved the vault is said to have moved it, and where to", async () => {
    const { box, vault, commit } = await host();
    expect(await vault().get("stripe/api-key")).toBe("sk_1");
    mkdirSync(join(box.repository, "services/api"), { recursive: true });
    box.git("mv", ".agent-vault", "services/api/.agent-vault");
    commit();
    const reader = vault();
    await reader.pull();
    const moved = { code: "VAULT_NOT_FOUND", message: expect.stringContaining("services/api/.agent-vault/") };
    await expect(reader.get("stripe/api-key")).rejects.toMatchObject(moved);
  });

  it("that puts links into the vault, or in its place, shows no file of the reader's", async () => {
    const { box, vault, commit, clones } = await host();
    const outside = join(box.root, "outside");
    mkdirSync(outside);
    execFileSync("cp", ["-R", box.vault, outside]);
    rmSync(join(box.vault, "secrets/stripe/api-key.enc"));
    symlinkSync(box.agentKey("bot"), join(box.vault, "secrets/stripe/api-key.enc"));
    commit(".agent-vault");
    await expect(vault().get("stripe/api-key")).rejects.toMatchObject({ code: expect.stringMatching(/^(?:LINK_IN_VAULT|TAMPERED)$/) });
    rmSync(box.vault, { recursive: true });
    symlinkSync(join(outside, ".agent-vault"), box.vault);
    commit(".agent-vault");
    await expect(vault().get("stripe/api-key")).rejects.toMatchObject({ code: "VAULT_NOT_FOUND" });
    expect(clones()).toEqual([]);
  });

  it("that names its branches like options has them read as names", async () => {
    const { box, remote, cache, vault } = await host();
    for (const name of ["--upload-pack=touch${IFS}pwned", "-x", "+main"]) {
      box.gitIn(remote, "update-ref", `refs/heads/${name}`, "refs/heads/main");
      box.gitIn(remote, "symbolic-ref", "HEAD", `refs/heads/${name}`);
      expect(await vault().get("stripe/api-key")).toBe("sk_1");
      expect(await vault(`#refs/heads/${name}`).get("stripe/api-key")).toBe("sk_1");
      rmSync(cache, { recursive: true });
    }
    expect(execFileSync("find", [box.root, "-name", "*pwned*", "-type", "f", "-not", "-path", "*/refs/*"], { encoding: "utf8" })).toBe("");
  });
});

describe("what follows the # of a URL", () => {
  it.each([
    "",
    "-x",
    "--upload-pack=touch pwned",
    "a:b",
    "+a:refs/heads/b",
    "..",
    "a/../b",
    "a..b",
    "refs/heads/../../x",
    "refs/",
    "HEAD",
    "@{-1}",
    "a@{1}",
    "a^{commit}",
    "a~1",
    "*",
    "refs/heads/*",
    "a b",
    "a\nb",
    "a.lock",
    "/a",
    "a/",
    "a//b",
    ".a",
    "a\\b",
    "pa55\u0007",
  ])("is refused where it is no name of a branch or tag: %j", async (ref) => {
    for (const url of ["file:///nowhere/vault.git", "https://git.example.com/vault.git", "git@example.com:acme/vault.git"]) {
      const refused = (() => {
        try {
          return new Vault({ repoPath: `${url}#${ref}`, keyStr: "x" });
        } catch (error) {
          return error;
        }
      })();
      expect(refused).toMatchObject({ code: "USAGE" });
      expect((refused as Error).message).not.toContain("pa55");
    }
  });
});
