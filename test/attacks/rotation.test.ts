import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { generateIdentity, type Identity } from "#vault/index.js";
import { formatLock, parseLock, type Lock } from "#vault/lock/lock.js";
import { digestOf } from "#vault/lock/digest.js";
import { SigningKey } from "#vault/keys/signing-key.js";
import * as sdk from "#sdk-node/index.js";
import { ANY_USE } from "../support/policy.js";
import { errorCode, Sandbox, type Outcome } from "../support/sandbox.js";
import { makeVault } from "../support/vault.js";
import { readIdentity } from "../support/identity.js";

/** A vault with one secret, an agent that reads it from its own clone, and what the agent's machine remembers. */
class Scene {
  readonly box = new Sandbox();
  readonly clone = join(this.box.root, "agent-clone");
  readonly home = join(this.box.root, "agent-home");

  static async make(): Promise<Scene> {
    const scene = new Scene();
    const { box, clone, home } = scene;
    await makeVault(box, { "a/b": "one" }, { ann: ["a"] });
    box.addRemote();
    box.gitIn(box.root, "clone", "--quiet", join(box.root, "remote.git"), clone);
    mkdirSync(home);
    return scene;
  }

  /** Whether anything has been read is what separates an agent that was away from one on a new machine. */
  async agentReads(...flags: string[]): Promise<Outcome> {
    return this.box.cli(["get", "a/b", "--key", this.box.agentKey("ann"), ...flags], { cwd: this.clone, env: { HOME: this.home } });
  }

  /** The agent's clone takes over what the remote has, as a person would with git alone. */
  pull(): void {
    this.box.gitIn(this.clone, "pull", "--quiet");
  }

  memory(): string | undefined {
    const file = join(this.home, ".agent-vault/trust", `${this.lock().vault}.json`);
    return existsSync(file) ? readFileSync(file, "utf8") : undefined;
  }

  lock(): Lock {
    return parseLock(readFileSync(join(this.box.vault, "vault.lock")));
  }

  /** Publishes the work tree with another lock, as somebody would who may push and holds a key. */
  forge(signer: Identity, change: (lock: Lock) => Partial<Lock>): void {
    const { box } = this;
    const present = this.lock();
    const lock = { ...present, sequence: present.sequence + 1, previous: digestOf(formatLock(present)), ...change(present) };
    const bytes = formatLock(lock);
    box.write(".agent-vault/vault.lock", bytes);
    box.write(".agent-vault/vault.lock.sig", new SigningKey(signer, lock.vault).sign(bytes));
    box.git("commit", "--quiet", "--all", "--no-verify", "--message", "A new key");
    box.git("push", "--quiet");
  }
}

const keyOf = (identity: Identity, lock: Lock) => new SigningKey(identity, lock.vault).publicKey;

describe("an agent that was away while an owner's key was replaced", () => {
  it.each([
    ["on its machine", true],
    ["on a new machine, with a key file from before", false],
  ])("follows the chain when it returns, %s", async (_where, wasThere) => {
    const scene = await Scene.make();
    const { box } = scene;
    if (wasThere) expect((await scene.agentReads()).stdout.toString()).toBe("one");
    await box.ok("rotate-owner");
    await box.set("a/b", "two");
    await box.ok("rotate-owner");
    await box.set("a/b", "three");
    box.git("push", "--quiet");
    scene.pull();
    const read = await scene.agentReads();
    expect([read.code, read.stdout.toString(), read.stderr]).toEqual([0, "three", ""]);
    expect(scene.memory()).toContain(scene.lock().owners[0]!.key);
    // Once seen it needs no history.
    rmSync(join(scene.clone, ".git"), { recursive: true });
    expect((await scene.agentReads("--no-pull")).stdout.toString()).toBe("three");
  });

  it("follows it by its own pull, and in a program", async () => {
    const scene = await Scene.make();
    const { box, clone, home } = scene;
    expect((await scene.agentReads()).stdout.toString()).toBe("one");
    await box.ok("rotate-owner", "--recover-agents");
    await box.set("a/b", "two");
    box.git("push", "--quiet");
    process.env["AGENT_VAULT_HOME"] = join(home, ".agent-vault");
    try {
      const vault = new sdk.Vault({ repoPath: clone, keyPath: box.agentKey("ann") });
      await vault.pull();
      expect(await vault.get("a/b")).toBe("two");
      expect(vault.listSecrets().map(({ name }) => name)).toEqual(["a/b"]);
    } finally {
      delete process.env["AGENT_VAULT_HOME"];
    }
  });

  it("is followed by an agent that lists first, without a look at any secret", async () => {
    const scene = await Scene.make();
    const { box, clone, home } = scene;
    expect((await scene.agentReads()).stdout.toString()).toBe("one");
    await box.ok("rotate-owner");
    box.git("push", "--quiet");
    process.env["AGENT_VAULT_HOME"] = join(home, ".agent-vault");
    try {
      const vault = new sdk.Vault({ repoPath: clone, keyPath: box.agentKey("ann") });
      await vault.pull();
      expect(vault.listSecrets().map(({ name }) => name)).toEqual(["a/b"]);
    } finally {
      delete process.env["AGENT_VAULT_HOME"];
    }
  });

  it("cannot follow it in a shallow clone, and is told to fetch the history", async () => {
    const scene = await Scene.make();
    const { box } = scene;
    expect((await scene.agentReads()).code).toBe(0);
    await box.ok("rotate-owner");
    box.git("push", "--quiet");
    const shallow = join(box.root, "shallow");
    box.gitIn(box.root, "clone", "--quiet", "--depth=1", `file://${box.root}/remote.git`, shallow);
    const get = () => box.cli(["get", "a/b", "--key", box.agentKey("ann")], { cwd: shallow, env: { HOME: scene.home } });
    const refused = await get();
    expect([errorCode(refused), refused.stdout.toString()]).toEqual(["UNTRUSTED_SIGNER", ""]);
    expect(refused.stderr).toContain("git fetch --unshallow");
    box.gitIn(shallow, "fetch", "--quiet", "--unshallow");
    expect((await get()).stdout.toString()).toBe("one");
  });

  it("follows a count that starts anew, and so does another owner", async () => {
    const scene = await Scene.make();
    const { box } = scene;
    const bob = join(box.root, "bob.key");
    await box.ok("add-owner", "bob", "--key-out", bob);
    const owner = readIdentity(box.ownerKey);
    // No single leap may be as long as that.
    for (const sequence of [2 ** 32, 2 ** 32 + 4]) {
      scene.forge(owner, () => ({ sequence }));
      scene.pull();
      expect((await scene.agentReads()).stdout.toString()).toBe("one");
      expect(await box.ok("get", "a/b")).toBe("one");
    }
    const bobs = (...args: string[]) => box.cli([...args, "--key", bob], { cwd: scene.clone, env: { HOME: join(box.root, "bob-home") } });
    expect((await bobs("get", "a/b")).code).toBe(0);
    expect(await box.ok("get", "a/b")).toBe("one");
    await box.ok("rotate-owner");
    expect(scene.lock().sequence).toBe(2);
    // What the remote still has is no newer state, though it counts higher.
    box.write(".agent-vault/policy.yaml", ANY_USE);
    expect(JSON.parse(await box.ok("sign", "--dry-run", "--json"))).toMatchObject({ since: { sequence: 2 } });
    rmSync(join(box.vault, "policy.yaml"));
    await box.set("a/b", "two");
    expect(scene.lock().sequence).toBe(3);
    box.git("push", "--quiet");
    scene.pull();
    const read = await scene.agentReads();
    expect([read.stdout.toString(), read.stderr]).toEqual(["two", ""]);
    expect((await bobs("set", "a/b", "bob's")).code).toBe(0);
    expect(parseLock(readFileSync(join(scene.clone, ".agent-vault/vault.lock"))).sequence).toBe(4);
    expect((await scene.agentReads("--no-pull")).stdout.toString()).toBe("bob's");
  });
});

describe("a forged change of keys is UNTRUSTED_SIGNER, to an agent and to the owner:", () => {
  async function refused(scene: Scene): Promise<void> {
    const { box } = scene;
    const memory = scene.memory();
    // Before it reaches the work tree, and after git alone has brought it there.
    const head = box.gitIn(scene.clone, "rev-parse", "HEAD");
    rmSync(join(scene.clone, ".git/FETCH_HEAD"), { force: true });
    const offered = await scene.agentReads();
    expect([errorCode(offered), offered.code, offered.stdout.toString()]).toEqual(["UNTRUSTED_SIGNER", 5, ""]);
    expect(box.gitIn(scene.clone, "rev-parse", "HEAD")).toBe(head);
    scene.pull();
    for (const outcome of [await scene.agentReads(), await box.cli(["get", "a/b"]), await box.cli(["set", "a/b", "--generate"])])
      expect([errorCode(outcome), outcome.code, outcome.stdout.toString()]).toEqual(["UNTRUSTED_SIGNER", 5, ""]);
    expect(scene.memory()).toBe(memory);
  }

  it("an attacker's lock that names the attacker and is signed by them", async () => {
    const scene = await Scene.make();
    expect((await scene.agentReads()).code).toBe(0);
    const attacker = await generateIdentity("x25519");
    scene.forge(attacker, (lock) => ({ owners: [{ name: "eric", key: keyOf(attacker, lock) }] }));
    await refused(scene);
  });

  it("the same in two steps, each with the right state before it", async () => {
    const scene = await Scene.make();
    expect((await scene.agentReads()).code).toBe(0);
    const attacker = await generateIdentity("x25519");
    scene.forge(attacker, (lock) => ({ owners: [...lock.owners, { name: "new", key: keyOf(attacker, lock) }] }));
    scene.forge(attacker, (lock) => ({ owners: lock.owners.filter(({ name }) => name === "new") }));
    await refused(scene);
  });

  it("a removed owner's, on the state that removed them and on the one before", async () => {
    for (const from of ["the present state", "the state before"]) {
      const scene = await Scene.make();
      const { box } = scene;
      const bob = join(box.root, "bob.key");
      await box.ok("add-owner", "bob", "--key-out", bob);
      const withBob = digestOf(formatLock(scene.lock()));
      await box.ok("remove-owner", "bob");
      box.git("push", "--quiet");
      scene.pull();
      expect((await scene.agentReads()).code).toBe(0);
      scene.forge(readIdentity(bob), (lock) => ({
        owners: [{ name: "bob", key: keyOf(readIdentity(bob), lock) }],
        ...(from === "the state before" && { previous: withBob }),
      }));
      await refused(scene);
    }
  });

  it("the key that was rotated out", async () => {
    const scene = await Scene.make();
    const { box } = scene;
    const old = readIdentity(box.ownerKey);
    await box.ok("rotate-owner");
    box.git("push", "--quiet");
    scene.pull();
    expect((await scene.agentReads()).code).toBe(0);
    scene.forge(old, (lock) => ({ owners: [{ name: "eric", key: keyOf(old, lock) }] }));
    await refused(scene);
  });

  it("a new owner's, signed in the state that should first name them", async () => {
    const scene = await Scene.make();
    expect((await scene.agentReads()).code).toBe(0);
    const attacker = await generateIdentity("x25519");
    scene.forge(attacker, (lock) => ({ owners: [...lock.owners, { name: "new", key: keyOf(attacker, lock) }] }));
    await refused(scene);
  });
});
