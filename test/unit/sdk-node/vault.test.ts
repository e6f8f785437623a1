import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import * as sdk from "../../../sdk-node/dist/index.js";
import { prepared, type Sandbox } from "../../support/sandbox.js";

const SDK = resolve(import.meta.dirname, "../../../sdk-node/dist/index.js");

const granted = prepared(async (box) => {
  await box.ok("init", "--no-hook");
  await box.set("stripe/api-key", "sk_1", "--expires", "2030-01-01");
  await box.set("stripe/cert", Buffer.from([0, 200, 255]));
  await box.set("other/x", "no");
  await box.ok("add-agent", "bot");
  await box.ok("grant", "bot", "stripe");
});

async function grantedVault(): Promise<{ box: Sandbox; options: { repoPath: string; keyPath: string } }> {
  const box = await granted();
  vi.stubEnv("AGENT_VAULT_HOME", join(box.home, ".agent-vault"));
  onTestFinished(() => void vi.unstubAllEnvs());
  return { box, options: { repoPath: box.repository, keyPath: box.agentKey("bot") } };
}

/** Runs a program of an agent, as it stands in the documentation, in a process and a home of its own. */
async function runProgram(box: Sandbox, body: string, env: Record<string, string> = {}): Promise<string> {
  const program = box.write(join(box.root, "agent.mjs"), body.replaceAll('"agent-vault"', JSON.stringify(SDK)));
  const outcome = await box.run(process.execPath, [program], { env });
  expect(outcome.stderr).toBe("");
  return outcome.stdout.toString();
}

describe("the Node SDK", () => {
  it("runs the documented examples of agent-vault 0.1 unchanged", async () => {
    const { box } = await grantedVault();
    const output = await runProgram(
      box,
      `import { Vault, VaultError, VaultNotFoundError, SecretNotFoundError, NotAuthorizedError, ManifestError } from "agent-vault";
       const vault = new Vault({ repoPath: ${JSON.stringify(box.repository)}, keyPath: "~/.agent-vault/agents/bot.key" });
       const apiKey = await vault.get("stripe/api-key");
       vault.pull();
       vault.reload();
       console.log(JSON.stringify([apiKey, vault.listAgents(), vault.listSecrets("stripe").map((s) => [s.name, s.group, s.authorizedAgents, s.expiresAt])]));`,
    );
    expect(JSON.parse(output)).toEqual([
      "sk_1",
      [{ name: "bot", groups: ["stripe"] }],
      [
        ["stripe/api-key", "stripe", ["bot"], "2030-01-01T00:00:00.000Z"],
        ["stripe/cert", "stripe", ["bot"], null],
      ],
    ]);
  });

  it("reads bytes, and says when they are no text", async () => {
    const { options } = await grantedVault();
    const vault = new sdk.Vault(options);
    expect(await vault.getBytes("stripe/cert")).toEqual(Uint8Array.of(0, 200, 255));
    await expect(vault.get("stripe/cert")).rejects.toMatchObject({ code: "INVALID_VALUE" });
  });

  it("takes a key as a string, before a path, and leaves no trace of it on the disk", async () => {
    const { box, options } = await grantedVault();
    const keyStr = readFileSync(options.keyPath, "utf8");
    rmSync(options.keyPath);
    const before = execFileSync("find", [box.root, "-type", "f"], { encoding: "utf8" });
    expect(await new sdk.Vault({ ...options, keyStr }).get("stripe/api-key")).toBe("sk_1");
    expect(execFileSync("find", [box.root, "-type", "f"], { encoding: "utf8" })).toBe(before);
  });

  it("throws typed errors with codes", async () => {
    const { box, options } = await grantedVault();
    const vault = new sdk.Vault(options);
    await expect(vault.get("stripe/none")).rejects.toBeInstanceOf(sdk.SecretNotFoundError);
    await expect(vault.get("other/x")).rejects.toBeInstanceOf(sdk.NotAuthorizedError);
    await expect(vault.get("../x")).rejects.toMatchObject({ code: "INVALID_NAME" });
    await expect(new sdk.Vault({ ...options, keyPath: "/missing.key" }).get("stripe/api-key")).rejects.toBeInstanceOf(
      sdk.VaultNotFoundError,
    );
    expect(() => new sdk.Vault({ repoPath: box.home })).toThrowError(sdk.VaultNotFoundError);
    writeFileSync(join(box.vault, "secrets/stripe/api-key.enc"), "damaged");
    await expect(vault.get("stripe/api-key")).rejects.toBeInstanceOf(sdk.VerificationError);
    writeFileSync(join(box.vault, "manifest.yaml"), "version: 9\n");
    expect(() => vault.reload()).toThrowError(sdk.VerificationError);
    for (const file of ["vault.lock", "vault.lock.sig"]) rmSync(join(box.vault, file));
    rmSync(join(box.repository, ".git"), { recursive: true });
    rmSync(join(box.home, ".agent-vault/trust"), { recursive: true });
    const unanchored = new sdk.Vault({
      ...options,
      keyPath: undefined,
      keyStr: readFileSync(options.keyPath, "utf8").trim().split("\n").at(-1)!,
    });
    expect(() => unanchored.reload()).toThrowError(sdk.ManifestError);
    expect(() => unanchored.listAgents()).toThrowError(sdk.ManifestError);
    for (const Class of [
      sdk.SecretNotFoundError,
      sdk.NotAuthorizedError,
      sdk.VaultNotFoundError,
      sdk.ManifestError,
      sdk.VerificationError,
    ]) {
      expect(Class.prototype).toBeInstanceOf(sdk.VaultError);
    }
  });

  it("answers arguments of another type with an error of its own", async () => {
    const { options } = await grantedVault();
    const Untyped = sdk.Vault as unknown as new (options?: unknown) => sdk.Vault;
    for (const wrong of [undefined, null, "path", {}, { repoPath: 7 }, { ...options, keyPath: 7 }, { ...options, keyStr: {} }]) {
      expect(() => new Untyped(wrong)).toThrowError(expect.objectContaining({ name: "VaultError", code: "USAGE" }));
    }
    const vault = new sdk.Vault(options) as unknown as Record<"get" | "getBytes" | "listSecrets", (argument: unknown) => unknown>;
    for (const wrong of [undefined, null, 7, {}, ""]) {
      await expect(vault.get(wrong)).rejects.toMatchObject({ name: "VaultError", code: "USAGE" });
      await expect(vault.getBytes(wrong)).rejects.toMatchObject({ name: "VaultError", code: "USAGE" });
    }
    expect(() => vault.listSecrets(7)).toThrowError(expect.objectContaining({ code: "USAGE" }));
  });

  it("writes nothing, and shows no key when it is printed", async () => {
    const { box, options } = await grantedVault();
    const snapshot = () =>
      execFileSync("sh", ["-c", `find "${box.repository}" "${box.home}" -type f -exec sha256sum {} + | sort`], { encoding: "utf8" });
    const before = snapshot();
    const keyStr = readFileSync(options.keyPath, "utf8");
    const vault = new sdk.Vault({ repoPath: box.repository, keyStr });
    await vault.get("stripe/api-key");
    vault.listSecrets();
    expect(snapshot()).toBe(before);
    const { inspect } = await import("node:util");
    const secret = keyStr.trim().split("\n").at(-1)!.slice(16);
    expect(inspect(vault, { depth: 9, showHidden: true }) + JSON.stringify(vault)).not.toContain(secret);
  });
});

describe("pulling before a read", () => {
  async function cloned(): Promise<{ box: Sandbox; clone: string; vault: sdk.Vault; publish: (value: string) => Promise<void> }> {
    const { box, options } = await grantedVault();
    const remote = box.addRemote();
    const clone = join(box.root, "clone");
    box.gitIn(box.root, "clone", "--quiet", remote, clone);
    const publish = async (value: string) => {
      await box.set("stripe/api-key", value);
      box.git("push", "--quiet");
    };
    return { box, clone, vault: new sdk.Vault({ ...options, repoPath: clone }), publish };
  }

  it("brings the newest value along, by a fast-forward", async () => {
    const { clone, vault, publish, box } = await cloned();
    await publish("sk_2");
    expect(await vault.get("stripe/api-key")).toBe("sk_2");
    expect(box.gitIn(clone, "rev-parse", "HEAD")).toBe(box.git("rev-parse", "HEAD"));
  });

  it("happens at most once in the vault's interval, unless asked for", async () => {
    const { clone, vault, publish } = await cloned();
    await vault.get("stripe/api-key");
    await publish("sk_2");
    expect(await vault.get("stripe/api-key")).toBe("sk_1");
    const longAgo = new Date(Date.now() - 61_000);
    utimesSync(join(clone, ".git/FETCH_HEAD"), longAgo, longAgo);
    expect(await vault.get("stripe/api-key")).toBe("sk_2");
    await publish("sk_3");
    await vault.pull();
    expect(await vault.get("stripe/api-key")).toBe("sk_3");
  });

  it("does not happen with autoPull: false or --no-pull", async () => {
    const { box, clone, publish } = await cloned();
    await publish("sk_2");
    const vault = new sdk.Vault({ repoPath: clone, keyPath: box.agentKey("bot"), autoPull: false });
    expect(await vault.get("stripe/api-key")).toBe("sk_1");
    expect((await box.cli(["-C", clone, "get", "stripe/api-key", "--no-pull"])).stdout.toString()).toBe("sk_1");
    expect((await box.cli(["-C", clone, "get", "stripe/api-key"])).stdout.toString()).toBe("sk_2");
  });

  it("is a warning when the remote cannot be reached, and the local state is read", async () => {
    const { box, clone } = await cloned();
    rmSync(join(box.root, "remote.git"), { recursive: true });
    const outcome = await box.cli(["-C", clone, "get", "stripe/api-key"]);
    expect([outcome.code, outcome.stdout.toString()]).toEqual([0, "sk_1"]);
    expect(outcome.stderr).toContain("warning:");
  });

  it.each(["dirty", "diverged"])("leaves a %s clone as it is", async (kind) => {
    const { box, clone, publish } = await cloned();
    await publish("sk_2");
    const edited = join(clone, ".agent-vault/config.yaml");
    writeFileSync(edited, `${readFileSync(edited, "utf8")}# mine\n`);
    if (kind === "diverged") box.gitIn(clone, "commit", "--quiet", "--all", "--message", "mine");
    const head = box.gitIn(clone, "rev-parse", "HEAD");
    const outcome = await box.cli(["-C", clone, "get", "stripe/api-key"]);
    expect([outcome.code, outcome.stdout.toString()]).toEqual([0, "sk_1"]);
    expect(outcome.stderr).toContain("warning:");
    expect(readFileSync(edited, "utf8")).toContain("# mine");
    expect(box.gitIn(clone, "rev-parse", "HEAD")).toBe(head);
  });

  it("goes ahead beside the person's own uncommitted work", async () => {
    const { box, clone, publish } = await cloned();
    writeFileSync(join(clone, "draft.txt"), "mine");
    await publish("sk_2");
    expect((await box.cli(["-C", clone, "get", "stripe/api-key"])).stdout.toString()).toBe("sk_2");
    expect(readFileSync(join(clone, "draft.txt"), "utf8")).toBe("mine");
  });
});
