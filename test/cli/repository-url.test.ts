import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, it, vi } from "vitest";
import { Vault } from "#sdk-node/index.js";
import { Served } from "../support/mcp-client.js";
import { setLastAsked } from "../support/memory-and-clock.js";
import { Project } from "../support/project.js";
import { CLI, errorCode, type Outcome } from "../support/sandbox.js";

/** A machine that has an agent's key and no clone, in a folder of no repository. */
async function machine() {
  const project = await Project.make();
  const { box } = project;
  const folder = mkdtempSync(join(box.root, "folder-"));
  const url = `file://${project.remote}`;
  const env = { HOME: project.home, AGENT_VAULT_KEY: project.key.keyFile };
  const run = (...words: string[]): Promise<Outcome> => box.process(words, { cwd: folder, env });
  const cache = join(project.home, ".agent-vault/cache");
  const clones = () => (existsSync(cache) ? readdirSync(cache).map((name) => join(cache, name, "repository")) : []);
  return { project, box, folder, url, env, run, clones };
}

describe("a repository's URL in place of a folder", () => {
  it("is read by get, run and list, and by the SDK, over one clone in which nothing is checked out", async () => {
    const { project, box, folder, url, run, clones } = await machine();
    expect((await run("-C", url, "get", "stripe/api-key")).stdout.toString()).toBe("one");
    const [clone, ...others] = clones();
    expect([others, readdirSync(clone!), readdirSync(folder)]).toEqual([[], [".git"], []]);
    const words = ["--secret", "stripe/api-key", "--allow-short", "--", "sh", "-c", 'printf %s "${#STRIPE_API_KEY}"; pwd'];
    expect((await run("-C", url, "run", ...words)).stdout.toString()).toBe(`3${folder}\n`);

    await box.set("db/url", "new");
    box.git("push", "--quiet");
    setLastAsked(clone!);
    const listed = JSON.parse((await run("-C", url, "list", "--json")).stdout.toString()) as { secrets?: object[] } & object[];
    expect(JSON.stringify(listed)).toContain("db/url");
    vi.stubEnv("AGENT_VAULT_HOME", join(project.home, ".agent-vault"));
    vi.stubEnv("GIT_CONFIG_GLOBAL", box.env["GIT_CONFIG_GLOBAL"]);
    try {
      expect(await new Vault({ repoPath: url, keyPath: project.key.keyFile }).get("stripe/api-key")).toBe("one");
    } finally {
      vi.unstubAllEnvs();
    }
    expect(clones()).toEqual([clone]);
  });

  it("follows #REF, and is cloned again where the clone is damaged", async () => {
    const { box, url, run, clones } = await machine();
    box.git("push", "--quiet", "origin", "main:release");
    await box.set("stripe/api-key", "two");
    box.git("push", "--quiet");
    expect((await run("-C", `${url}#release`, "get", "stripe/api-key")).stdout.toString()).toBe("one");
    expect((await run("-C", url, "get", "stripe/api-key")).stdout.toString()).toBe("two");
    for (const clone of clones()) rmSync(join(clone, ".git/objects/pack"), { recursive: true });
    expect((await run("-C", url, "get", "stripe/api-key")).stdout.toString()).toBe("two");
    expect(errorCode(await run("-C", `${url}#none`, "get", "stripe/api-key"))).toBe("VAULT_NOT_FOUND");
  });

  it("is refused to every command that changes something, and none of them takes the folder here instead", async () => {
    const { folder, url, run } = await machine();
    for (const words of [["init"], ["set", "a/b"], ["sync"], ["grant", "bot", "stripe"], ["policy", "init"], ["doctor"]])
      expect([words[0], errorCode(await run("-C", url, ...words))]).toEqual([words[0], "USAGE"]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("is served over MCP, by -C as by --repo", async () => {
    const { box, url, env } = await machine();
    for (const words of [
      ["-C", url, "mcp"],
      ["mcp", "--repo", url],
    ]) {
      const served = await Served.start(box, { env, program: { command: process.execPath, args: [CLI, ...words] } });
      const { code, data } = await served.call("list");
      expect([code, data["total"]]).toEqual([undefined, 1]);
      await served.client.close();
    }
  });
});
