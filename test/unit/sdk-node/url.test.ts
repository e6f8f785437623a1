import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { Vault, VaultNotFoundError } from "#sdk-node/index.js";
import { parseRepositoryUrl } from "#vault/index.js";
import { authorizationVariables } from "#vault/git/remote-url.js";
import { agentsMachines, runProgram } from "./agents-machine.js";

const grantedVault = agentsMachines();

async function served() {
  const { box, options } = await grantedVault();
  const remote = box.addRemote();
  const cache = join(box.home, ".agent-vault/cache");
  return { box, remote, cache, vault: () => new Vault({ ...options, repoPath: pathToFileURL(remote).href }) };
}

/** The clones that are in place, and what is not yet. */
const clonesIn = (cache: string): string[] =>
  readdirSync(cache).flatMap((name) => readdirSync(join(cache, name)).filter((entry) => entry !== "locks"));

describe("a vault by its repository's URL", () => {
  it("is cloned once, and pulled from then on", async () => {
    const { box, remote, cache, vault } = await served();
    const first = vault();
    expect(() => first.listSecrets()).toThrowError(VaultNotFoundError);
    expect(await Promise.all([first.get("stripe/api-key"), first.get("stripe/api-key")])).toEqual(["sk_1", "sk_1"]);
    expect(first.listAgents()).toEqual([{ name: "bot", groups: ["stripe"] }]);
    await box.set("stripe/api-key", "sk_2");
    box.git("push", "--quiet");
    await first.pull();
    expect(await first.get("stripe/api-key")).toBe("sk_2");
    expect(readdirSync(cache)).toHaveLength(1);
    renameSync(remote, `${remote}.gone`);
    const later = vault();
    expect(later.listSecrets("stripe").map(({ name }) => name)).toEqual(["stripe/api-key", "stripe/cert"]);
    expect(await later.get("stripe/api-key")).toBe("sk_2");
  });

  it("is not taken back to an old state, also where the clone was thrown away", async () => {
    const { box, cache, vault } = await served();
    const old = box.git("rev-parse", "HEAD").trim();
    await box.set("stripe/api-key", "sk_2");
    box.git("push", "--quiet");
    expect(await vault().get("stripe/api-key")).toBe("sk_2");
    rmSync(cache, { recursive: true });
    box.git("push", "--quiet", "--force", "origin", `${old}:main`);
    await expect(vault().get("stripe/api-key")).rejects.toMatchObject({ name: "VerificationError", code: "ROLLBACK" });
    expect(clonesIn(cache)).toEqual([]);
  });

  it("is not checked out where it is not what its owner signed, or is no vault", async () => {
    const { box, cache, vault } = await served();
    writeFileSync(join(box.vault, "secrets/stripe/cert.enc"), "another owner's");
    box.git("commit", "--quiet", "--all", "--message", "not hers");
    box.git("push", "--quiet");
    await expect(vault().get("stripe/api-key")).rejects.toMatchObject({ code: "TAMPERED" });
    box.git("rm", "--quiet", "-r", ".agent-vault");
    box.git("commit", "--quiet", "--message", "gone");
    box.git("push", "--quiet");
    await expect(vault().get("stripe/api-key")).rejects.toBeInstanceOf(VaultNotFoundError);
    expect(clonesIn(cache)).toEqual([]);
  });

  it("lies in the temporary folder, in one of one's own, where nothing can be written at home", async () => {
    const { box, remote } = await served();
    box.write(join(box.root, "home-that-is-a-file"), "");
    const temporary = join(box.root, "tmp");
    const program = `import { Vault } from "agent-vault";
      const vault = new Vault({ repoPath: ${JSON.stringify(pathToFileURL(remote).href)}, keyPath: ${JSON.stringify(box.agentKey("bot"))} });
      console.log(await vault.get("stripe/api-key"));`;
    const env = { AGENT_VAULT_HOME: join(box.root, "home-that-is-a-file/vault"), TMPDIR: temporary };
    execFileSync("mkdir", [temporary]);
    const own = join(temporary, `agent-vault-${process.getuid?.()}`);
    execFileSync("mkdir", ["-m", "777", own]);
    expect((await runProgram(box, program, env)).stderr).toContain("UNWRITABLE");
    rmSync(own, { recursive: true });
    const outcome = await runProgram(box, program, env);
    expect({ code: outcome.code, output: outcome.stdout.toString() }).toEqual({ code: 0, output: "sk_1\n" });
    expect(outcome.stderr).toContain("could not be remembered");
    expect(readdirSync(own)).toHaveLength(1);
  });

  it("shows no password of the URL, in no error, file or argument", async () => {
    const { box } = await served();
    const vault = new Vault({ repoPath: "https://deploy:pa55%20word@127.0.0.1:1/acme/vault.git", keyPath: box.agentKey("bot") });
    const error = await vault.get("stripe/api-key").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "GIT_FAILED" });
    const shown = inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error) + inspect(vault, { depth: 9, showHidden: true });
    const basic = Buffer.from("deploy:pa55 word").toString("base64");
    const files = execFileSync("sh", ["-c", `grep -rlE 'pa55|${basic}' "${box.root}" || true`], { encoding: "utf8" });
    expect(shown).toContain("127.0.0.1");
    expect(shown).not.toMatch(new RegExp(`pa55|${basic}`));
    expect(files).toBe("");
    const url = parseRepositoryUrl("https://deploy:pa55%20word@git.example.com/acme/vault.git")!;
    expect(url.address).toBe("https://git.example.com/acme/vault.git");
    const env = { ...process.env, ...authorizationVariables({}, url) };
    const header = ["config", "--get-urlmatch", "http.extraHeader", url.address];
    expect(execFileSync("git", header, { env, encoding: "utf8" })).toBe(`Authorization: Basic ${basic}\n`);
    expect(() => execFileSync("git", [...header.slice(0, 3), "https://other.example.com/acme"], { env })).toThrow();
  });

  it("or a folder is not found from one that is not there, in the vault above it", async () => {
    const { box, options } = await grantedVault();
    for (const repoPath of [
      join(box.repository, "mistyped"),
      join(box.vault, "manifest.yaml"),
      join(box.repository, "https//u:pa55@h/x"),
    ]) {
      expect(() => new Vault({ ...options, repoPath })).toThrowError(VaultNotFoundError);
      expect(() => new Vault({ ...options, repoPath })).not.toThrowError("pa55");
    }
  });

  it("is of a kind that cannot be read along the way, nor run a program", async () => {
    const { box } = await served();
    for (const repoPath of [
      "http://example.com/x.git",
      "git://example.com/x",
      "ext::sh -c true",
      "ftp://example.com/x",
      "https://",
      "https://h/%zz",
    ])
      expect(() => new Vault({ repoPath })).toThrowError(expect.objectContaining({ code: "USAGE" }));
    for (const repoPath of [
      "ttps:/deploy:pa55word@example.com/x",
      "https:/deploy:pa55word@example.com/x",
      " https://deploy:pa55word@example.com/x",
      "deploy:pa55word@example.com:x",
      "deploy:pa55word@example.com/x",
      "https://deploy:pa55/word@example.com/x",
      "https://example.com/x?private_token=pa55word",
    ]) {
      const refused = (() => {
        try {
          return new Vault({ repoPath });
        } catch (error) {
          return error;
        }
      })();
      expect(refused).toMatchObject({ code: "USAGE" });
      expect(inspect(refused, { depth: 9, showHidden: true })).not.toContain("pa55");
    }
    for (const folder of [box.repository, "~/x", "C:\\vault", "./a:b"]) expect(parseRepositoryUrl(folder)).toBeUndefined();
    expect(parseRepositoryUrl("git@github.com:acme/vault.git")).toMatchObject({ address: "git@github.com:acme/vault.git" });
    expect(parseRepositoryUrl("ssh://git:x@example.com/v")).toEqual({ address: "ssh://git@example.com/v", authorization: undefined });
    expect(existsSync(join(box.home, ".agent-vault/cache"))).toBe(false);
    expect(readFileSync(box.agentKey("bot"), "utf8")).toContain("AGE-SECRET-KEY");
  });
});
