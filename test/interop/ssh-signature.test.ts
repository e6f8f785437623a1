import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { verify } from "#vault/index.js";
import { parseLock, type Lock } from "#vault/lock/lock.js";
import { lacks } from "../support/programs.js";
import { Sandbox } from "../support/sandbox.js";
import { readIdentity } from "../support/identity.js";
import { makeVault } from "../support/vault.js";
import { openSshPrivateKey } from "../support/openssh-key.js";

let box: Sandbox;
let lock: Lock;

beforeEach(async () => {
  box = new Sandbox();
  const paths = ["stripe/api-key", "stripe/a.b/c", "stripe/a/b", "stripe/A-b", "db/url"];
  await makeVault(box, Object.fromEntries(paths.map((path) => [path, path])), { bot: ["stripe"] });
  lock = parseLock(readFileSync(join(box.vault, "vault.lock")));
});

describe.skipIf(lacks("GNU find", "sha256sum"))("the digests of a lock", () => {
  it("are what coreutils make of the files", () => {
    const shell = (command: string, cwd: string) =>
      `sha256:${execFileSync("sh", ["-c", command], { cwd, encoding: "utf8", env: { PATH: process.env["PATH"], LANG: "en_US.UTF-8" } }).split(" ")[0]}`;
    const line = String.raw`find . -type f -printf '%P\n' | LC_ALL=C sort | xargs -d '\n' sha256sum | sha256sum`;
    expect([...lock.trees.keys()]).toEqual(["agents", "secrets/db", "secrets/stripe"]);
    for (const [tree, digest] of lock.trees) expect(shell(line, join(box.vault, tree)), tree).toBe(digest);
    for (const [file, digest] of lock.files) expect(shell(`sha256sum ${file}`, box.vault), file).toBe(digest);
  });
});

describe.skipIf(lacks("ssh-keygen"))("a vault's signature and ssh-keygen", () => {
  it("agree on ours", () => {
    const signers = box.write("allowed_signers", `owner@vault namespaces="agent-vault" ${lock.owners[0]!.key}\n`);
    const check = (message: Uint8Array, namespace = "agent-vault") =>
      spawnSync("ssh-keygen", ["-Y", "verify", "-f", signers, "-I", "owner@vault", "-n", namespace, "-s", `${box.vault}/vault.lock.sig`], {
        input: message,
        encoding: "utf8",
      });
    const bytes = readFileSync(join(box.vault, "vault.lock"));
    expect(check(bytes).stdout).toMatch(/^Good "agent-vault" signature for owner@vault with ED25519 key/);
    expect(check(Buffer.concat([bytes, Buffer.from("\n")])).status).not.toBe(0);
    expect(check(bytes, "git").status).not.toBe(0);
  });

  it("agree on one that ssh-keygen makes with the derived key, in our namespace and in no other", async () => {
    const file = join(box.vault, "vault.lock");
    const key = join(box.home, "derived");
    const seed = readIdentity(box.ownerKey).deriveKey("agent-vault/v1/owner-signing", lock.vault);
    writeFileSync(key, openSshPrivateKey(seed, lock.owners[0]!.key), { mode: 0o600 });
    const signIn = (namespace: string) =>
      writeFileSync(
        `${file}.sig`,
        execFileSync("ssh-keygen", ["-Y", "sign", "-f", key, "-n", namespace], { input: readFileSync(file), stdio: "pipe" }),
      );
    const ours = readFileSync(`${file}.sig`, "utf8");
    signIn("agent-vault");
    expect((await verify(box.context(), box.vault)).findings).toEqual([]);
    // Ed25519 signs the same twice, and the armor is the same too.
    expect(readFileSync(`${file}.sig`, "utf8")).toBe(ours);
    signIn("file");
    expect((await verify(box.context(), box.vault)).findings.map(({ kind }) => kind)).toContain("bad-signature");
  });
});
