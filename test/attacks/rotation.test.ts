import { cpSync, existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { generateIdentity, SigningKey, type Identity } from "#vault/index.js";
import { formatLock, parseLock, type Lock } from "#vault/lock/lock.js";
import { digestOf } from "#vault/lock/digest.js";
import * as sdk from "#sdk-node/index.js";
import { ANY_USE } from "../support/policy.js";
import { errorCode, type Outcome } from "../support/sandbox.js";
import { readIdentity } from "../support/identity.js";
import { resign } from "../support/signing.js";
import { Scene, VALUE, type Person } from "./scene.js";
import { setLastAsked } from "../support/memory-and-clock.js";

const SECRET = "stripe/api-key";
const SECRETS = ["db/url", SECRET, "stripe/webhook"];

function reads({ box, key, clone, home }: Person, ...flags: string[]): Promise<Outcome> {
  return box.cli(["get", SECRET, "--key", key, ...flags], { cwd: clone, env: { HOME: home } });
}

/** What a person's machine remembers of the vault. */
function remembered(scene: Scene, { home }: Person): string | undefined {
  const file = join(home, ".agent-vault/trust", scene.lock().vault, "memory.json");
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

/** Publishes the owner's work tree with another lock, as somebody would who may push and holds a key. */
function forge({ box }: Scene, signer: Identity, change: (lock: Lock) => Partial<Lock>): void {
  resign(box, change, signer);
  box.git("commit", "--quiet", "--all", "--no-verify", "--message", "A new key");
  box.git("push", "--quiet");
}

const keyOf = (identity: Identity, lock: Lock) => new SigningKey(identity, lock.vault).publicKey;

/** Runs a program of an agent's, in its home. */
async function inProgram({ clone, home, key }: Person, use: (vault: sdk.Vault) => Promise<void>): Promise<void> {
  vi.stubEnv("AGENT_VAULT_HOME", join(home, ".agent-vault"));
  onTestFinished(() => void vi.unstubAllEnvs());
  await use(new sdk.Vault({ repoPath: clone, keyPath: key }));
}

describe("an agent that was away while an owner's key was replaced", () => {
  it.each([
    ["on its machine", true],
    ["on a new machine, with a key file from before", false],
  ])("follows the chain when it returns, %s", async (_where, wasThere) => {
    const scene = await Scene.make();
    const { box } = scene;
    const alice = wasThere ? scene.alice : scene.newcomer(scene.alice.key);
    await box.ok("rotate-owner");
    await box.set(SECRET, "two");
    await box.ok("rotate-owner");
    await box.set(SECRET, "three");
    box.git("push", "--quiet");
    alice.takeUnseen();
    const read = await reads(alice);
    expect([read.code, read.stdout.toString(), read.stderr]).toEqual([0, "three", ""]);
    expect(remembered(scene, alice)).toContain(scene.lock().owners[0]!.key);
    // Once seen it needs no history.
    rmSync(join(alice.clone, ".git"), { recursive: true });
    expect((await reads(alice, "--no-pull")).stdout.toString()).toBe("three");
  });

  it("follows it by its own pull, and in a program", async () => {
    const scene = await Scene.make();
    const { box, alice } = scene;
    await box.ok("rotate-owner", "--recover-agents");
    cpSync(box.agentKey("alice"), alice.key);
    await box.set(SECRET, "two");
    box.git("push", "--quiet");
    await inProgram(alice, async (vault) => {
      await vault.pull();
      expect(await vault.get(SECRET)).toBe("two");
      expect(vault.listSecrets().map(({ name }) => name)).toEqual(SECRETS);
    });
  });

  it("is followed by an agent that lists first, without a look at any secret", async () => {
    const scene = await Scene.make();
    const { box, alice } = scene;
    await box.ok("rotate-owner");
    box.git("push", "--quiet");
    await inProgram(alice, async (vault) => {
      await vault.pull();
      expect(vault.listSecrets().map(({ name }) => name)).toEqual(SECRETS);
    });
  });

  it("follows it in a shallow clone, which has no history", async () => {
    const scene = await Scene.make();
    const { box, alice } = scene;
    await box.ok("rotate-owner");
    box.git("push", "--quiet");
    const shallow = join(box.root, "shallow");
    box.gitIn(box.root, "clone", "--quiet", "--depth=1", `file://${box.root}/remote.git`, shallow);
    for (const home of [alice.home, join(box.root, "fresh")]) {
      const outcome = await box.cli(["get", SECRET, "--key", alice.key], { cwd: shallow, env: { HOME: home } });
      expect([outcome.stdout.toString(), outcome.stderr]).toEqual([VALUE, ""]);
    }
  });

  it("follows a count that somebody drove up, and so does another owner", async () => {
    const scene = await Scene.make();
    const { box, alice } = scene;
    const bert = join(box.root, "bert.key");
    await box.ok("add-owner", "bert", "--key-out", bert);
    const owner = readIdentity(box.ownerKey);
    // No single leap may be as long as that.
    for (const sequence of [2 ** 32, 2 ** 32 + 4]) {
      forge(scene, owner, () => ({ sequence }));
      alice.takeUnseen();
      expect((await reads(alice)).stdout.toString()).toBe(VALUE);
      expect(await box.ok("get", SECRET)).toBe(VALUE);
    }
    const berts = (...args: string[]) =>
      box.cli([...args, "--key", bert], { cwd: alice.clone, env: { HOME: join(box.root, "bert-home") } });
    expect((await berts("get", SECRET)).code).toBe(0);
    expect(await box.ok("get", SECRET)).toBe(VALUE);
    await box.ok("rotate-owner");
    expect(scene.lock().sequence).toBe(2 ** 32 + 6);
    box.write(".agent-vault/policy.yaml", ANY_USE);
    expect(JSON.parse(await box.ok("sign", "--dry-run", "--json"))).toMatchObject({ since: { sequence: 2 ** 32 + 6 } });
    rmSync(join(box.vault, "policy.yaml"));
    await box.set(SECRET, "two");
    expect(scene.lock().sequence).toBe(2 ** 32 + 7);
    box.git("push", "--quiet");
    alice.takeUnseen();
    const read = await reads(alice);
    expect([read.stdout.toString(), read.stderr]).toEqual(["two", ""]);
    expect((await berts("set", SECRET, "bert's")).code).toBe(0);
    expect(parseLock(readFileSync(join(alice.clone, ".agent-vault/vault.lock"))).sequence).toBe(2 ** 32 + 8);
    expect((await reads(alice, "--no-pull")).stdout.toString()).toBe("bert's");
  });
});

describe("a forged change of keys is UNTRUSTED_SIGNER, to an agent and to the owner:", () => {
  async function refused(scene: Scene): Promise<void> {
    const { box, alice } = scene;
    const memory = remembered(scene, alice);
    // Before it reaches the work tree, and after git alone has brought it there.
    const head = box.gitIn(alice.clone, "rev-parse", "HEAD");
    setLastAsked(alice.clone);
    const offered = await reads(alice);
    expect([errorCode(offered), offered.code, offered.stdout.toString()]).toEqual(["UNTRUSTED_SIGNER", 5, ""]);
    expect(box.gitIn(alice.clone, "rev-parse", "HEAD")).toBe(head);
    alice.takeUnseen();
    for (const outcome of [await reads(alice), await box.cli(["get", SECRET]), await box.cli(["set", SECRET, "--generate"])])
      expect([errorCode(outcome), outcome.code, outcome.stdout.toString()]).toEqual(["UNTRUSTED_SIGNER", 5, ""]);
    expect(remembered(scene, alice)).toBe(memory);
  }

  it("an attacker's lock that names the attacker and is signed by them", async () => {
    const scene = await Scene.make();
    const attacker = await generateIdentity("x25519");
    forge(scene, attacker, (lock) => ({ owners: [{ name: "eric", key: keyOf(attacker, lock) }] }));
    await refused(scene);
  });

  it("the same in two steps, each with the right state before it", async () => {
    const scene = await Scene.make();
    const attacker = await generateIdentity("x25519");
    forge(scene, attacker, (lock) => ({ owners: [...lock.owners, { name: "new", key: keyOf(attacker, lock) }] }));
    forge(scene, attacker, (lock) => ({ owners: lock.owners.filter(({ name }) => name === "new") }));
    await refused(scene);
  });

  it("a removed owner's, on the state that removed them and on the one before", async () => {
    for (const from of ["the present state", "the state before"]) {
      const scene = await Scene.make();
      const { box, alice } = scene;
      const bert = join(box.root, "bert.key");
      await box.ok("add-owner", "bert", "--key-out", bert);
      const withBert = digestOf(formatLock(scene.lock()));
      await box.ok("remove-owner", "bert");
      box.git("push", "--quiet");
      alice.takeUnseen();
      expect((await reads(alice)).code).toBe(0);
      forge(scene, readIdentity(bert), (lock) => ({
        owners: [{ name: "bert", key: keyOf(readIdentity(bert), lock) }],
        ...(from === "the state before" && { previous: [withBert] }),
      }));
      await refused(scene);
    }
  });

  it("the key that was rotated out", async () => {
    const scene = await Scene.make();
    const { box, alice } = scene;
    const old = readIdentity(box.ownerKey);
    await box.ok("rotate-owner");
    box.git("push", "--quiet");
    alice.takeUnseen();
    expect((await reads(alice)).code).toBe(0);
    forge(scene, old, (lock) => ({ owners: [{ name: "eric", key: keyOf(old, lock) }] }));
    await refused(scene);
  });

  it("a new owner's, signed in the state that should first name them", async () => {
    const scene = await Scene.make();
    const attacker = await generateIdentity("x25519");
    forge(scene, attacker, (lock) => ({ owners: [...lock.owners, { name: "new", key: keyOf(attacker, lock) }] }));
    await refused(scene);
  });
});
