import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { addAgent, encrypt, grant, init, openState, parseRecipient, revoke, set, sign, sync } from "#vault/index.js";
import type { Digest } from "#vault/lock/digest.js";
import { CHANGE, edit, FORGED, malloryKey, OVERVIEW, PULL, READ, Scene, VALUE, write, type Door, type Person } from "./scene.js";
import { signFolder, writeLock } from "../support/signing.js";
import { readIdentity } from "../support/identity.js";
import { openSshPrivateKey } from "../support/openssh-key.js";
import { lacks } from "../support/programs.js";

const CHANGES_AND_LIST = { ...OVERVIEW, ...CHANGE };

/** A forged value where the secret was, so that an attack that succeeds is seen. */
async function forge(vault: string): Promise<void> {
  const keys = [readFileSync(join(vault, "owner.pub"), "utf8"), readFileSync(join(vault, "agents/alice/public.key"), "utf8")];
  write(vault, "secrets/stripe/api-key.enc", await encrypt(Buffer.from(FORGED), keys.map(parseRecipient)));
}

/** That everybody who has seen the vault refuses what was pushed, on its way and in the work tree. */
async function expectRefusedByAll({ owner, alice }: Scene, code: string, read: Readonly<Record<string, Door>> = READ): Promise<void> {
  await alice.expectRefused(code, PULL);
  await owner.expectRefused(code, { sync: PULL["sync --pull"]! });
  for (const person of [owner, alice]) {
    expect(await person.read()).toBe(VALUE);
    person.takeUnseen();
  }
  await alice.expectRefused(code, read);
  await owner.expectRefused(code, { get: read["get"]!, ...OVERVIEW, ...CHANGE });
}

/**
 * What a web editor or a bot might have left: everybody goes on with the state before it, which is the newest that they have seen, and is told
 * which commit it was. Nothing is taken over, what is checked out is not read, and nothing is made of it.
 */
async function expectPassedOver({ box, owner, alice }: Scene, code: string, read: Readonly<Record<string, Door>> = READ): Promise<void> {
  const commit = box.gitIn(join(box.root, "remote.git"), "rev-parse", "main").slice(0, 12);
  for (const person of [owner, alice]) {
    expect(await person.pullAndRead()).toBe(VALUE);
    await person.expectRefused(code, { sync: PULL["sync --pull"]! });
    person.takeUnseen();
    expect(await person.pullAndRead()).toBe(VALUE);
    expect(person.warnings.filter((warning) => warning.includes(commit))).not.toEqual([]);
    expect(await OVERVIEW["list"]!(person)).toEqual(["alice", "bob"]);
  }
  await alice.expectRefused(code, read);
  await owner.expectRefused(code, { get: read["get"]!, ...CHANGE });
  await expect(alice.readInProgram(true)).resolves.toBe(VALUE);
}

/** An old state on the main branch, for those who have seen the newest; what a person takes unseen is read, and nothing is made of it. */
async function expectOldRefused({ owner, alice }: Scene): Promise<void> {
  await alice.expectRefused("ROLLBACK", PULL);
  await owner.expectRefused("ROLLBACK", { sync: PULL["sync --pull"]! });
  for (const person of [owner, alice]) {
    expect(await person.read()).toBe(VALUE);
    person.takeUnseen();
  }
  await alice.expectRefused("ROLLBACK", PULL);
  await owner.expectRefused("ROLLBACK", { ...PULL, ...OVERVIEW, ...CHANGE });
}

describe("a state that its owner has not signed", () => {
  it.each(["herself", "the owner"])("is refused where mallory has signed it and it names %s", async (whom) => {
    const scene = await Scene.make();
    const own = scene.signingKey((await malloryKey()).identity);
    await scene.push(async (vault) => {
      await forge(vault);
      const { owners, sequence } = scene.lock();
      signFolder(vault, own, {
        sequence: sequence + 1,
        owners: whom === "herself" ? [{ name: "eric", key: own.publicKey }] : owners,
      });
    });
    await expectRefusedByAll(scene, "UNTRUSTED_SIGNER");
    // On a fresh machine as well: an agent's key file names its owner, and an owner's key is the owner's.
    for (const key of [scene.alice.key, scene.owner.key]) {
      await scene.newcomer(key).expectRefused("UNTRUSTED_SIGNER", { ...PULL, ...READ });
    }
  });

  it.skipIf(lacks("ssh-keygen"))("is passed over where the signature was made for another purpose", async () => {
    const scene = await Scene.make();
    const key = scene.signingKey();
    await scene.push((vault) => {
      const bytes = readFileSync(join(vault, "vault.lock"));
      writeFileSync(join(vault, "vault.lock.sig"), key.sign(bytes).toString().length > 0 ? signedFor("git", scene, bytes) : "");
    });
    await expectPassedOver(scene, "BAD_SIGNATURE");
  });

  it("is refused where state and signature are another vault's of the same owner", async () => {
    const scene = await Scene.make();
    await scene.push((vault) => {
      for (const file of ["vault.lock", "vault.lock.sig"]) cpSync(join(scene.folder("other"), ".agent-vault", file), join(vault, file));
    });
    await scene.alice.expectRefused("WRONG_VAULT", PULL);
    await scene.owner.expectRefused("WRONG_VAULT", PULL);
    for (const person of [scene.alice, scene.owner]) person.takeUnseen();
    await scene.alice.expectRefused("WRONG_VAULT", READ);
    await scene.owner.expectRefused("TAMPERED", { ...READ, ...CHANGES_AND_LIST });
  });

  it("is refused where the whole vault is another one of the same owner", async () => {
    const scene = await Scene.make();
    await scene.push((vault) => {
      rmSync(vault, { recursive: true });
      cpSync(join(scene.folder("other"), ".agent-vault"), vault, { recursive: true });
    });
    await scene.owner.expectRefused("WRONG_VAULT", PULL);
    await scene.alice.expectRefused("WRONG_VAULT", PULL);
    scene.alice.takeUnseen();
    await scene.alice.expectRefused("WRONG_VAULT", READ);
  });

  it.each<[string, (vault: string) => void]>([
    ["without its half a state", (vault) => edit(vault, "vault.lock", (text) => text.slice(0, 200))],
    ["without a signature", (vault) => rmSync(join(vault, "vault.lock.sig"))],
    ["with half a signature", (vault) => edit(vault, "vault.lock.sig", (text) => text.slice(0, 120))],
  ])("is passed over %s", async (_what, run) => {
    const scene = await Scene.make();
    await scene.push(run);
    await expectPassedOver(scene, "BAD_SIGNATURE");
  });

  it("is refused where nothing is signed any more, by whatever says that it should be", async () => {
    const scene = await Scene.make();
    const { owner, alice } = scene;
    const signer = scene.lock().owners[0]!.key;
    const bare = join(scene.box.root, "bare.key");
    writeFileSync(bare, readFileSync(alice.key, "utf8").split("\n").at(-2)!);
    await scene.push(async (vault) => {
      await forge(vault);
      for (const file of ["vault.lock", "vault.lock.sig"]) rmSync(join(vault, file));
    });
    await expectRefusedByAll(scene, "UNSIGNED");
    const everything = { ...PULL, ...READ };
    await scene.newcomer(alice.key).expectRefused("UNSIGNED", everything);
    await scene.newcomer(owner.key).expectRefused("UNSIGNED", { get: everything["get"]! });
    await scene.newcomer(bare).expectRefused("UNSIGNED", { get: (person) => person.read(), pull: PULL["get"]! });

    const shallow = ["--depth=1", "--no-local"];
    const told = scene.newcomer(bare, shallow);
    await told.expectRefused("UNSIGNED", { get: (person) => person.read("stripe/api-key", { AGENT_VAULT_OWNER: signer }) });
    const remembering = scene.newcomer(bare, shallow);
    cpSync(join(alice.home, ".agent-vault/trust"), join(remembering.home, ".agent-vault/trust"), { recursive: true });
    await remembering.expectRefused("UNSIGNED", READ);
    expect(signer).toMatch(/^ssh-ed25519 /);
  });
});

/** SSHSIG (PROTOCOL.sshsig) as ssh-keygen -Y sign -n NAMESPACE makes it, by the owner's own signing key. */
function signedFor(namespace: string, scene: Scene, message: Uint8Array): string {
  const seed = readIdentity(scene.box.ownerKey).deriveKey("agent-vault/v1/owner-signing", scene.lock().vault);
  const file = join(scene.box.root, "signing-key");
  writeFileSync(file, openSshPrivateKey(seed, scene.signingKey().publicKey), { mode: 0o600 });
  return execFileSync("ssh-keygen", ["-q", "-Y", "sign", "-f", file, "-n", namespace], { input: message, encoding: "utf8" });
}

describe("a lock has one spelling, even where another one is signed", () => {
  const digest = `sha256:${"0".repeat(64)}`;
  const spellings: readonly [string, (text: string) => string | Uint8Array][] = [
    ["9 MiB", (text) => `${text}# ${"x".repeat(9 * 1024 * 1024)}\n`],
    ["lines that end as on Windows", (text) => text.replaceAll("\n", "\r\n")],
    ["a byte order mark", (text) => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(text)])],
    ["a repeated file", (text) => text.replace("files:\n", `files:\n  owner.pub: ${digest}\n`)],
    ["a repeated section", (text) => `${text}files:\n  owner.pub: ${digest}\n`],
    ["a repeated sequence", (text) => text.replace("sequence: ", "sequence: 3\nsequence: ")],
    ["an anchor and an alias", (text) => text.replace(/owner\.pub: (sha256:\w+)/, "owner.pub: &a $1\n  x: *a")],
    ["an alias bomb", (text) => `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b]\n${text}`],
    ["an unknown field", (text) => `${text}trust: everybody\n`],
    ["a comment", (text) => `${text}# nothing\n`],
    ["no owner", (text) => text.replace(/owners:\n.*\n/, "owners:\n")],
    ["another version", (text) => text.replace("version: 1", "version: 2")],
    ["a sequence of 2^53", (text) => text.replace(/sequence: \d+/, `sequence: ${2 ** 53}`)],
    ["a sequence of 0", (text) => text.replace(/sequence: \d+/, "sequence: 0")],
    ["an id that is a path", (text) => text.replace(/vault: .*/, "vault: ../../../../tmp/x")],
    ["a day that is none", (text) => text.replace(/signed_at: .*/, "signed_at: 2026-02-30T00:00:00Z")],
    ["nothing", () => ""],
  ];

  it("so that no parser's habits give it a second meaning", async () => {
    const scene = await Scene.make();
    const key = scene.signingKey();
    const { alice, owner } = scene;
    const right = readFileSync(join(owner.vault, "vault.lock"), "utf8");
    const signature = readFileSync(join(owner.vault, "vault.lock.sig"));
    for (const [what, change] of spellings) {
      const bytes = Buffer.from(change(right) as string);
      await scene.push((vault) => writeLock(vault, bytes, key));
      expect([what, await alice.pullAndRead()]).toEqual([what, VALUE]);
      await alice.expectRefused("BAD_SIGNATURE", { [`${what}: sync`]: PULL["sync --pull"]! });
      writeLock(owner.vault, bytes, key);
      await owner.expectRefused("BAD_SIGNATURE", { [`${what}: get`]: READ["get"]!, [`${what}: set`]: CHANGE["set"]! });
      write(owner.vault, "vault.lock.sig", signature);
      await owner.expectRefused("BAD_SIGNATURE", { [`${what}, not signed: get`]: READ["get"]! });
    }
    alice.takeUnseen();
    await alice.expectRefused("BAD_SIGNATURE", READ);
  });
});

describe("an old state", () => {
  function oldFiles(scene: Scene, revision = "with-bob"): (vault: string) => void {
    return (vault) => {
      rmSync(vault, { recursive: true });
      scene.box.gitIn(scene.folder("mallory"), "checkout", "--quiet", revision, "--", ".agent-vault");
    };
  }

  it("is a rollback where it is committed on top of the newest", async () => {
    const scene = await Scene.make();
    await scene.push(oldFiles(scene));
    await expectOldRefused(scene);
    await scene.newcomer(scene.alice.key).expectRefused("ROLLBACK", { ...PULL, ...READ });
    await scene.newcomer(scene.owner.key).expectRefused("ROLLBACK", { ...PULL, ...READ, ...CHANGE });
  });

  it("is a rollback for a reader who was away when the newest was there", async () => {
    const scene = await Scene.make();
    const { owner, alice } = scene;
    for (const value of ["3", "4"]) await set(owner.context(), { vault: owner.vault, path: "stripe/api-key", value: Buffer.from(value) });
    scene.box.git("tag", "before");
    await revoke(owner.context(), { vault: owner.vault, agent: "alice", target: "stripe" });
    scene.box.git("push", "--quiet", "origin", "main", "before");
    scene.box.gitIn(scene.folder("mallory"), "pull", "--quiet", "--tags");
    await scene.push(oldFiles(scene, "before"));
    // alice has seen neither the newest nor what was brought back: the new commits say which is later.
    await alice.expectRefused("ROLLBACK", PULL);
    const other = scene.newcomer(owner.key);
    cpSync(join(owner.home, ".agent-vault"), join(other.home, ".agent-vault"), { recursive: true });
    await other.expectRefused("ROLLBACK", { ...PULL, ...CHANGE });
  });

  it("is a rollback before it is merged also where the newest was made here and pushed by git alone", async () => {
    const scene = await Scene.make();
    const { owner } = scene;
    scene.box.git("tag", "before");
    await revoke(owner.context(), { vault: owner.vault, agent: "alice", target: "stripe" });
    scene.box.git("push", "--quiet", "origin", "main", "before");
    scene.box.gitIn(scene.folder("mallory"), "pull", "--quiet", "--tags");
    await scene.push(oldFiles(scene, "before"));
    await owner.expectRefused("ROLLBACK", PULL);
  });

  it("is a rollback where the remote was set back to it", async () => {
    const scene = await Scene.make();
    scene.box.gitIn(scene.folder("mallory"), "reset", "--quiet", "--hard", "with-bob");
    await scene.push(() => {});
    const { owner, alice } = scene;
    for (const person of [owner, alice]) {
      await person.expectRefused("ROLLBACK", PULL);
      expect(await person.read()).toBe(VALUE);
    }
    // A clone that is as new as the remote, on a machine that has seen more.
    const again = scene.newcomer(alice.key);
    cpSync(join(alice.home, ".agent-vault"), join(again.home, ".agent-vault"), { recursive: true });
    again.box.gitIn(again.clone, "remote", "set-url", "origin", "../remote.git");
    await again.expectRefused("ROLLBACK", PULL);
  });

  it("is read where the person has checked it out, in strict mode as well, and nothing is made of it on the branch", async () => {
    const scene = await Scene.make();
    const { owner } = scene;
    scene.box.git("checkout", "--quiet", "with-bob");
    expect(await owner.read()).toBe("sk_live_1");
    expect(await owner.pullAndRead()).toBe("sk_live_1");
    for (const name of ["CI", "AGENT_VAULT_STRICT"]) expect(await owner.read("stripe/api-key", { [name]: "1" })).toBe("sk_live_1");
    scene.box.git("checkout", "--quiet", "-B", "main");
    await set(owner.context(), { vault: owner.vault, path: "db/url", value: Buffer.from("new") });
    expect(scene.box.git("merge-base", "--is-ancestor", "origin/main", "main")).toBe("");
    expect(await owner.read()).toBe(VALUE);
  });

  it("is no rollback where the person's own newer states are not pushed yet", async () => {
    const scene = await Scene.make();
    const { owner } = scene;
    await set(owner.context(), { vault: owner.vault, path: "stripe/api-key", value: Buffer.from("mine") });
    owner.fetchAgain();
    expect(await owner.pullAndRead()).toBe("mine");
    expect(owner.warnings).toEqual([]);
    expect((await sync(owner.context(), owner.vault)).pushed).toBe(1);
    expect(await scene.alice.pullAndRead()).toBe("mine");
  });
});

describe("two states of one number", () => {
  it("are a fork where one of them was seen", async () => {
    const scene = await Scene.make();
    const { owner, alice } = scene;
    const second = scene.newcomer(owner.key);
    await set(second.context(), { vault: second.vault, path: "stripe/api-key", value: Buffer.from("theirs") });
    await set(owner.context(), { vault: owner.vault, path: "stripe/api-key", value: Buffer.from("ours") });
    scene.box.git("push", "--quiet");
    expect(await alice.pullAndRead()).toBe("ours");
    owner.fetchAgain();
    expect(await owner.pullAndRead()).toBe("ours");
    // mallory has got hold of what was made in the second clone.
    scene.box.gitIn(scene.folder("mallory"), "pull", "--quiet", second.clone, "main");
    await scene.push(() => {});
    for (const person of [owner, alice]) await person.expectRefused("FORKED", PULL);
    scene.box.gitIn(alice.clone, "fetch", "--quiet");
    scene.box.gitIn(alice.clone, "reset", "--quiet", "--hard", "@{upstream}");
    await alice.expectRefused("FORKED", { ...PULL, ...OVERVIEW });
  });
});

describe("a thief of an owner's key", () => {
  it.each([
    ["2^53 - 1", 2 ** 53 - 1],
    ["more than 2^32 on", 2 ** 32 + 1000],
  ])("cannot end the count for those who have seen it: %s", async (_what, sequence) => {
    const scene = await Scene.make();
    const key = scene.signingKey();
    const { digest } = await stateOf(scene.owner);
    await scene.push((vault) => signFolder(vault, key, { sequence, previous: [digest] }));
    await expectRefusedByAll(scene, "FORKED");
    const newcomer = scene.newcomer(scene.owner.key);
    // Who starts from there goes on: the sequence is a hint, and what is behind a state says what came before it.
    await CHANGE["set"]!(newcomer);
  });

  async function stateOf({ vault }: Person): Promise<{ digest: Digest }> {
    const { openLock } = await import("#vault/lock/open-lock.js");
    return openLock(readFileSync(join(vault, "vault.lock")), readFileSync(join(vault, "vault.lock.sig")));
  }
});

describe("a state that has gone stale", () => {
  it("is read with a warning, and refused in strict mode", async () => {
    const scene = await Scene.make();
    const { alice } = scene;
    const key = scene.signingKey();
    await scene.push((vault) =>
      signFolder(vault, key, { sequence: scene.lock().sequence + 1, validUntil: new Date("2026-11-01T00:00:00Z") }),
    );
    await alice.expectRefused("EXPIRED_STATE", {
      get: async (person) => {
        const { readSecret } = await import("#vault/index.js");
        return readSecret(person.context({ AGENT_VAULT_STRICT: "1" }), person.vault, "stripe/api-key", { key: { keyFile: person.key } });
      },
    });
    expect(await alice.pullAndRead()).toBe(VALUE);
    expect(alice.warnings.join()).toContain("was valid until 2026-11-01T00:00Z");
  });
});

describe("what a machine remembers", () => {
  const memoryOf = (person: Person) => {
    return join(person.home, ".agent-vault/trust", parseId(person), "memory.json");
  };
  const parseId = (person: Person) => /^vault: (.*)$/m.exec(readFileSync(join(person.vault, "vault.lock"), "utf8"))![1]!;

  it.each<[string, (text: string) => string]>([
    ["half of it", (text) => text.slice(0, 100)],
    ["nothing", () => ""],
    ["another version", (text) => text.replace('"version": 2', '"version": 3')],
    ["a sequence that is none", (text) => text.replace(/"sequence": \d+/, '"sequence": 1e400')],
    ["a key that is none", (text) => text.replace("ssh-ed25519 ", "ssh-rsa ")],
  ])("is not done without where it is damaged: %s", async (_what, change) => {
    const { alice } = await Scene.make();
    writeFileSync(memoryOf(alice), change(readFileSync(memoryOf(alice), "utf8")));
    await alice.expectRefused("DAMAGED", { ...READ, ...OVERVIEW });
  });

  it("is of one vault alone", async () => {
    const scene = await Scene.make();
    const { owner } = scene;
    const folder = join(owner.home, ".agent-vault/trust");
    const other = readdirSync(folder).find((file) => /^[0-9a-f-]{36}$/.test(file) && file !== parseId(owner))!;
    cpSync(join(folder, other, "memory.json"), memoryOf(owner));
    await owner.expectRefused("DAMAGED", { ...READ, ...CHANGE });
  });

  it.skipIf(process.getuid?.() === 0)("is no reason not to read where it cannot be written", async () => {
    const scene = await Scene.make();
    const newcomer = scene.newcomer(scene.alice.key);
    chmodSync(newcomer.home, 0o500);
    expect(await newcomer.read()).toBe(VALUE);
    expect(newcomer.warnings.join()).toContain("could not be remembered");
  });

  it("begins with the first key that is seen where nothing else is known, says so, and takes no other one later", async () => {
    const scene = await Scene.make();
    const bare = join(scene.box.root, "bare.key");
    writeFileSync(bare, readFileSync(scene.alice.key, "utf8").split("\n").at(-2)!, { mode: 0o600 });
    const newcomer = scene.newcomer(bare);
    expect(await newcomer.read()).toBe(VALUE);
    expect(newcomer.warnings.join()).toContain("The signature of eric (SHA256:");
    newcomer.warnings.length = 0;
    expect(await newcomer.read()).toBe(VALUE);
    expect(newcomer.warnings).toEqual([]);

    const { identity } = await malloryKey();
    const own = scene.signingKey(identity);
    await scene.push(async (vault) => {
      await forge(vault);
      signFolder(vault, own, { sequence: 100, owners: [{ name: "eric", key: own.publicKey }] });
    });
    await newcomer.expectRefused("UNTRUSTED_SIGNER", { get: PULL["get"]! });
    newcomer.takeUnseen();
    await newcomer.expectRefused("UNTRUSTED_SIGNER", READ);
  });

  it("is not got round by another id for the vault", async () => {
    const scene = await Scene.make();
    const bare = join(scene.box.root, "bare.key");
    writeFileSync(bare, readFileSync(scene.alice.key, "utf8").split("\n").at(-2)!, { mode: 0o600 });
    const newcomer = scene.newcomer(bare);
    expect(await newcomer.read()).toBe(VALUE);
    const id = "00000000-0000-4000-8000-000000000000";
    const own = scene.signingKey((await malloryKey()).identity, id);
    await scene.push(async (vault) => {
      await forge(vault);
      edit(vault, "config.yaml", (text) => text.replace(/^id: .*/m, `id: ${id}`));
      signFolder(vault, own, { vault: id, sequence: 1, owners: [{ name: "eric", key: own.publicKey }], previous: [] });
    });
    await newcomer.expectRefused("WRONG_VAULT", { get: PULL["get"]! });
    newcomer.takeUnseen();
    await newcomer.expectRefused("WRONG_VAULT", { get: READ["get"]! });
  });

  it("is nothing that a key of another vault is used with", async () => {
    const scene = await Scene.make();
    const other = join(scene.folder("other"), ".agent-vault");
    const keyOut = join(scene.box.root, "bot.key");
    await addAgent(scene.owner.context(), { vault: other, agent: "bot", keyOut });
    await grant(scene.owner.context(), { vault: other, agent: "bot", target: "stripe" });
    await scene.newcomer(keyOut).expectRefused("WRONG_VAULT", { ...READ, get: PULL["get"]! });
  });
});

describe("a vault that mallory has made again around the owner's public key", () => {
  it.each([
    ["of the same id", true],
    ["of an id of its own", false],
  ])("is refused on a machine that has nothing but owner.key: %s", async (_what, sameId) => {
    const scene = await Scene.make();
    const { owner } = scene;
    const clone = scene.folder("mallory");
    const mallory = scene.newcomer(join(scene.box.root, "unused.key"));
    const theirs = join(scene.box.root, "again");
    const { vault } = await init(mallory.context({ AGENT_VAULT_KEY: "" }), { directory: theirs, owner: "eric", newKey: true });
    const identity = readIdentity(join(mallory.home, ".agent-vault/owners", readdirSync(join(mallory.home, ".agent-vault/owners"))[0]!));
    const id = sameId ? scene.lock().vault : parseIdOf(vault);
    edit(vault, "owner.pub", () => readFileSync(join(owner.vault, "owner.pub"), "utf8"));
    write(vault, "agents/alice/public.key", (await malloryKey()).recipient);
    edit(vault, "manifest.yaml", (text) =>
      text.replace(
        "agents: []\ngroups: []",
        "agents:\n- name: alice\n  groups:\n  - stripe\ngroups:\n- name: stripe\n  secrets:\n  - stripe/api-key",
      ),
    );
    edit(vault, "config.yaml", (text) => `${text.replace(/^id: .*/m, `id: ${id}`)}settings: {}\n`);
    await forge(vault);
    const own = scene.signingKey(identity, id);
    signFolder(vault, own, { vault: id, sequence: 9, previous: [], owners: [{ name: "eric", key: own.publicKey }] });
    rmSync(join(clone, ".agent-vault"), { recursive: true });
    cpSync(vault, join(clone, ".agent-vault"), { recursive: true });
    scene.box.gitIn(clone, "checkout", "--quiet", "--orphan", "fresh");
    scene.box.gitIn(clone, "add", "--all", "--force");
    scene.box.gitIn(clone, "commit", "--quiet", "--message", "A vault");
    scene.box.gitIn(clone, "push", "--quiet", "--force", "origin", "fresh:main");

    const home = scene.newcomer("unused");
    write(home.home, ".agent-vault/owner.key", readFileSync(owner.key));
    const fresh = new (home.constructor as typeof Person)(
      scene.box,
      home.clone.slice(scene.box.root.length + 1),
      home.home,
      join(home.home, ".agent-vault/owner.key"),
    );
    await fresh.expectRefused("UNTRUSTED_SIGNER", { ...READ, ...PULL, ...CHANGE });
    const approving: Door = (person) => sign(person.context(), { vault: person.vault, approve: () => true });
    await fresh.expectRefused("UNTRUSTED_SIGNER", { sign: approving });
    // A key that lies elsewhere says of itself that it is an owner's.
    const elsewhere = scene.newcomer(join(scene.box.root, "copy.key"));
    writeFileSync(elsewhere.key, readFileSync(owner.key));
    await elsewhere.expectRefused("UNTRUSTED_SIGNER", { ...READ, ...PULL, ...CHANGE, sign: approving });
    // One of the age program does not, and then nothing is signed with it all the same.
    writeFileSync(elsewhere.key, readFileSync(owner.key, "utf8").replace(/^#.*\n/gm, ""));
    await elsewhere.expectRefused("UNTRUSTED_SIGNER", CHANGE);
  });

  const parseIdOf = (vault: string) => /^id: (.*)$/m.exec(readFileSync(join(vault, "config.yaml"), "utf8"))![1]!;
});

describe("without a network", () => {
  it("the present state is read with a warning", async () => {
    const scene = await Scene.make();
    const { alice, owner } = scene;
    await scene.push(forge);
    scene.box.gitIn(alice.clone, "fetch", "--quiet");
    rmSync(join(scene.box.root, "remote.git"), { recursive: true });
    for (const person of [alice, owner]) {
      expect(await person.pullAndRead()).toBe(VALUE);
      expect(person.warnings.join()).toContain("could not be asked");
    }
    expect([...(await openState(owner.context(), owner.vault)).manifest.agents.keys()]).toEqual(["alice", "bob"]);
  });
});
