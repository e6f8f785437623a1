import { execFileSync } from "node:child_process";
import fs, { chmodSync, cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { inspect } from "node:util";
import { describe, expect, it, vi } from "vitest";
import * as sdk from "#sdk-node/index.js";
import { set } from "#vault/index.js";
import { setLastAsked } from "../../support/memory-and-clock.js";
import type { Sandbox } from "../../support/sandbox.js";
import { agentsMachines, outputOf, SDK } from "./agents-machine.js";

const grantedVault = agentsMachines();

describe("the Node SDK", () => {
  it("runs the documented examples of agent-vault 0.1 unchanged", async () => {
    const { box } = await grantedVault();
    const output = await outputOf(
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
      execFileSync("sh", ["-c", `find "${box.repository}" "${box.home}" -type f -exec cksum {} + | sort`], { encoding: "utf8" });
    const before = snapshot();
    const keyStr = readFileSync(options.keyPath, "utf8");
    const vault = new sdk.Vault({ repoPath: box.repository, keyStr });
    await vault.get("stripe/api-key");
    vault.listSecrets();
    expect(snapshot()).toBe(before);
    const secret = keyStr.trim().split("\n").at(-1)!.slice(16);
    const errors = await Promise.all(["stripe/none", "other/x"].map((path) => vault.get(path).catch((error: unknown) => error)));
    const shown = [vault, ...errors].map((one) => inspect(one, { depth: 9, showHidden: true }) + JSON.stringify(one)).join();
    expect(shown).toContain("NOT_AUTHORIZED");
    expect(shown).not.toMatch(new RegExp(`${secret}|sk_1`));
  });

  it("is the same package for require", async () => {
    const { box, options } = await grantedVault();
    const program = `const { Vault, SecretNotFoundError } = require("agent-vault");
      const vault = new Vault(${JSON.stringify(options)});
      vault.get("stripe/api-key").then(console.log);
      vault.get("stripe/none").catch((error) => console.log(error instanceof SecretNotFoundError));
      import(${JSON.stringify(SDK)}).then((sdk) => console.log(sdk.Vault === Vault));`;
    expect((await outputOf(box, program, {}, "agent.cjs")).trim().split("\n").toSorted()).toEqual(["sk_1", "true", "true"]);
  });

  it("throws on every call after it was closed", async () => {
    const { options } = await grantedVault();
    const vault = new sdk.Vault(options);
    await vault.get("stripe/api-key");
    await vault[Symbol.asyncDispose]();
    const closed = expect.objectContaining({ name: "VaultError", code: "USAGE" });
    for (const call of [
      () => vault.get("stripe/api-key"),
      () => vault.getMany([]),
      () => vault.pull(),
      () => vault.watch("stripe/api-key", () => {}),
    ])
      await expect(call()).rejects.toEqual(closed);
    for (const call of [() => vault.listSecrets(), () => vault.listAgents(), () => vault.reload()]) expect(call).toThrowError(closed);
  });
});

describe("several secrets", () => {
  it("come by their paths, all or none", async () => {
    const { box, options } = await grantedVault();
    await box.set("stripe/webhook", "wh_1");
    const vault = new sdk.Vault(options);
    expect(await vault.getMany(["stripe/webhook", "stripe/api-key"])).toEqual({ "stripe/webhook": "wh_1", "stripe/api-key": "sk_1" });
    expect(await vault.getMany([])).toEqual({});
    await expect(vault.getMany(["stripe/api-key", "other/x"])).rejects.toBeInstanceOf(sdk.NotAuthorizedError);
    await expect(vault.getMany(["stripe/api-key", "stripe/cert"])).rejects.toMatchObject({ code: "INVALID_VALUE" });
    await expect(vault.getMany("stripe/api-key" as unknown as string[])).rejects.toMatchObject({ code: "USAGE" });
  });

  it("come as variables, by names of their own or of the program's", async () => {
    const { box, options } = await grantedVault();
    await box.set("stripe/api.key", "another");
    await box.set("stripe/zero", "a\0b");
    const vault = new sdk.Vault(options);
    expect(await vault.env(["stripe/api-key"])).toEqual({ STRIPE_API_KEY: "sk_1" });
    expect(await vault.env({ KEY: "stripe/api-key", SAME: "stripe/api-key" })).toEqual({ KEY: "sk_1", SAME: "sk_1" });
    await expect(vault.env(["stripe/api-key", "stripe/api.key"])).rejects.toMatchObject({ code: "INVALID_VARIABLE" });
    await expect(vault.env(["stripe/zero"])).rejects.toMatchObject({ code: "INVALID_VALUE" });
    for (const wrong of [undefined, "stripe/api-key", { KEY: 7 }, [7]])
      await expect(vault.env(wrong as unknown as string[])).rejects.toMatchObject({ code: "USAGE" });
  });

  it("share one pull and one verification, asked for together or at the same time", async () => {
    const { box, options } = await grantedVault();
    const remote = box.addRemote();
    const log = logGit(box);
    const [alone, many, together] = ["alone", "many", "together"].map((name) => join(box.root, name));
    for (const clone of [alone!, many!, together!]) box.gitIn(box.root, "clone", "--quiet", remote, clone);
    const work = async (repoPath: string, read: (vault: sdk.Vault) => Promise<unknown>) => {
      rmSync(log, { force: true });
      const locks = countReads("vault.lock");
      await read(new sdk.Vault({ ...options, repoPath }));
      return { locks: locks(), git: readFileSync(log, "utf8").split("\n").length };
    };
    const one = await work(alone!, (vault) => vault.get("stripe/api-key"));
    expect(one.git).toBeGreaterThan(3);
    expect(one.locks).toBeGreaterThan(0);
    expect(await work(many!, (vault) => vault.getMany(["stripe/api-key", "stripe/api-key"]))).toEqual(one);
    expect(await work(together!, (vault) => Promise.all(Array.from({ length: 20 }, () => vault.get("stripe/api-key"))))).toEqual(one);
  });

  it("ask git for nothing while the last pull is recent", async () => {
    const { box, options } = await grantedVault();
    const remote = box.addRemote();
    const clone = join(box.root, "clone");
    box.gitIn(box.root, "clone", "--quiet", remote, clone);
    const vault = new sdk.Vault({ ...options, repoPath: clone });
    await vault.get("stripe/api-key");
    const log = logGit(box);
    expect(await vault.get("stripe/api-key")).toBe("sk_1");
    expect(existsSync(log)).toBe(false);
  });
});

describe("a program that reads on", () => {
  it("sees at once what has changed", async () => {
    const { box, options } = await grantedVault();
    const vault = new sdk.Vault(options);
    const file = join(box.vault, "secrets/stripe/api-key.enc");
    const signed = readFileSync(file);
    expect(await vault.get("stripe/api-key")).toBe("sk_1");
    expect(await vault.get("stripe/api-key")).toBe("sk_1");
    writeFileSync(file, readFileSync(join(box.vault, "secrets/stripe/cert.enc")));
    await expect(vault.get("stripe/api-key")).rejects.toBeInstanceOf(sdk.VerificationError);
    writeFileSync(file, signed);
    expect(await vault.get("stripe/api-key")).toBe("sk_1");
    await box.set("stripe/api-key", "sk_2");
    expect(await vault.get("stripe/api-key")).toBe("sk_2");
    rmSync(join(box.vault, "vault.lock.sig"));
    await expect(vault.get("stripe/cert")).rejects.toMatchObject({ code: "BAD_SIGNATURE" });
  });
});

/** Takes down every call of git from here on. @returns the file that holds them */
function logGit(box: Sandbox): string {
  const log = join(box.root, "git.log");
  const real = execFileSync("sh", ["-c", "command -v git"], { encoding: "utf8" }).trim();
  const git = box.write(join(box.root, "bin/git"), `#!/bin/sh\necho "$*" >> ${log}\nexec ${real} "$@"\n`);
  chmodSync(git, 0o755);
  vi.stubEnv("PATH", `${join(box.root, "bin")}:${process.env["PATH"]}`);
  return log;
}

/** @returns how often files of a name were opened since, once and for all */
function countReads(name: string): () => number {
  const { openSync } = fs;
  let count = 0;
  fs.openSync = (path, ...words) => {
    if (String(path).endsWith(`/${name}`)) count++;
    return openSync(path, ...words);
  };
  syncBuiltinESMExports();
  return () => {
    fs.openSync = openSync;
    syncBuiltinESMExports();
    return count;
  };
}

describe("pulling before a read", () => {
  async function cloned(): Promise<{ box: Sandbox; clone: string; vault: sdk.Vault; publish: (value: string) => Promise<void> }> {
    const { box, options } = await grantedVault();
    const remote = box.addRemote();
    const clone = join(box.root, "clone");
    box.gitIn(box.root, "clone", "--quiet", remote, clone);
    // Another machine, since this one reads at once what it has pushed.
    const home = join(box.root, "elsewhere");
    cpSync(join(box.home, ".agent-vault"), home, { recursive: true });
    const publish = async (value: string) => {
      await set(box.context({ home }), { vault: box.vault, path: "stripe/api-key", value: Buffer.from(value) });
      box.git("push", "--quiet");
    };
    return { box, clone, vault: new sdk.Vault({ ...options, repoPath: clone }), publish };
  }

  it("brings the newest value along, and moves nothing", async () => {
    const { clone, vault, publish, box } = await cloned();
    const refs = () => box.gitIn(clone, "for-each-ref", "refs/heads", "refs/remotes");
    const before = refs();
    await publish("sk_2");
    expect(await vault.get("stripe/api-key")).toBe("sk_2");
    expect(refs()).toBe(before);
    expect(box.gitIn(clone, "status", "--porcelain")).toBe("");
  });

  it("happens at most once in the vault's interval, unless asked for", async () => {
    const { clone, vault, publish } = await cloned();
    await vault.get("stripe/api-key");
    await publish("sk_2");
    expect(await vault.get("stripe/api-key")).toBe("sk_1");
    setLastAsked(clone, new Date(Date.now() - 61_000));
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
    expect([outcome.code, outcome.stdout.toString(), outcome.stderr]).toEqual([0, "sk_2", ""]);
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
