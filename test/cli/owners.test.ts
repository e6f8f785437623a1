import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  addOwner,
  decrypt,
  generateIdentity,
  loadKeys,
  parseHeader,
  readSecret,
  removeOwner,
  rotateOwner,
  VaultFolder,
  type Identity,
  type RecipientKind,
} from "#vault/index.js";
import { lacks } from "../support/programs.js";
import { errorCode, prepared, type Outcome, type Sandbox } from "../support/sandbox.js";
import { makeVault } from "../support/vault.js";
import { readIdentity } from "../support/identity.js";

const SECRETS = { "stripe/api-key": "sk", "stripe/webhook": "wh", "db/url": "url" };

const vault = prepared((box, kind: RecipientKind = "x25519") => makeVault(box, SECRETS, { ann: ["stripe"] }, { kind }));

/** Another person's machine: a home of their own, and a clone of the box's remote. */
class Person {
  readonly home: string;
  readonly clone: string;
  readonly #box: Sandbox;

  constructor(box: Sandbox, name: string) {
    this.#box = box;
    this.home = join(box.root, `${name}-home`);
    this.clone = join(box.root, `${name}-clone`);
    mkdirSync(this.home);
    box.gitIn(box.root, "clone", "--quiet", join(box.root, "remote.git"), this.clone);
  }

  get ownerKey(): string {
    return join(this.home, ".agent-vault", "owner.key");
  }

  /** A key file as age-keygen writes it. */
  async makeKey(): Promise<Identity> {
    mkdirSync(dirname(this.ownerKey), { mode: 0o700 });
    const identity = await generateIdentity("x25519");
    const lines = ["# created: 2026-01-02T03:04:05Z", `# public key: ${await identity.recipient()}`, identity.reveal()];
    writeFileSync(this.ownerKey, `${lines.join("\n")}\n`, { mode: 0o600 });
    return identity;
  }

  cli(args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
    return this.#box.cli(args, { cwd: this.clone, env: { HOME: this.home, ...env } });
  }

  async ok(...args: string[]): Promise<string> {
    const outcome = await this.cli(args);
    if (outcome.code !== 0) throw new Error(`agent-vault ${args.join(" ")} ended with ${outcome.code}: ${outcome.stderr}`);
    return outcome.stdout.toString();
  }

  pull(): void {
    this.#box.gitIn(this.clone, "pull", "--quiet");
  }

  push(): void {
    this.#box.gitIn(this.clone, "push", "--quiet");
  }
}

async function json<T>(text: Promise<string>): Promise<T> {
  return JSON.parse(await text) as T;
}

interface Listed {
  name: string;
  recipient: string;
  signingKey: string;
  fingerprint: string;
  signed: boolean;
}

const listed = (box: Pick<Sandbox, "ok">) => json<Listed[]>(box.ok("list-owners", "--json"));
const vaultId = (box: Sandbox) => /^id: (.+)$/m.exec(readFileSync(join(box.vault, "config.yaml"), "utf8"))![1]!;
const ownKey = (box: Sandbox) => join(box.home, ".agent-vault", "owners", `${vaultId(box)}.key`);

/** Adds bob with the two lines that he sent. */
async function addBob(box: Sandbox, bob: Person): Promise<string> {
  const [recipient, signingKey] = (await bob.ok("owner", "keys")).trimEnd().split("\n");
  const output = await box.ok("add-owner", "bob", "--recipient", recipient!, "--signing-key", signingKey!);
  box.git("push", "--quiet");
  bob.pull();
  return output;
}

async function withBob(): Promise<{ box: Sandbox; bob: Person; key: Identity; trusted: string }> {
  const box = await vault();
  box.addRemote();
  const bob = new Person(box, "bob");
  const key = await bob.makeKey();
  const output = await addBob(box, bob);
  const trusted = /AGENT_VAULT_OWNER='(.+)'/.exec(output)![1]!;
  return { box, bob, key, trusted };
}

/** Every encrypted file of a vault: secrets and escrows. */
function encryptedFiles(root: string): Map<string, Buffer> {
  const files = new VaultFolder(root).walk().filter(({ file }) => /\.(?:enc|escrow)$/.test(file));
  return new Map(files.map(({ file }) => [file, readFileSync(join(root, file))]));
}

async function fileKeys(files: ReadonlyMap<string, Buffer>, identity: Identity): Promise<(string | undefined)[]> {
  return Promise.all(
    [...files.values()].map(async (bytes) => {
      const key = await identity.unwrapFileKey(parseHeader(bytes).stanzas);
      return key === null ? undefined : Buffer.from(key).toString("hex");
    }),
  );
}

/** How many files of the vault open with a key file. */
async function openedBy(box: Sandbox, keyFile: string): Promise<number> {
  const keys = await fileKeys(encryptedFiles(box.vault), readIdentity(keyFile));
  return keys.filter((key) => key !== undefined).length;
}

describe("list-owners", () => {
  it("shows each owner's keys and who signed, without a key", async () => {
    const { box, bob } = await withBob();
    const owners = await listed(box);
    expect(owners.map(({ name, signed }) => [name, signed])).toEqual([
      ["eric", true],
      ["bob", false],
    ]);
    expect(owners.map(({ recipient, signingKey }) => `${recipient}\n${signingKey}\n`)).toEqual([
      await box.ok("owner", "keys"),
      await bob.ok("owner", "keys"),
    ]);
    const table = await box.cli(["list-owners"], { env: { HOME: join(box.root, "nobody") } });
    expect([table.code, table.stdout.toString()]).toEqual([0, expect.stringContaining(owners[1]!.fingerprint)]);
  });

  it.skipIf(lacks("ssh-keygen"))("shows the fingerprint that ssh-keygen makes of a key", async () => {
    const box = await vault();
    const [owner] = await listed(box);
    const keyFile = box.write(join(box.root, "eric.pub"), owner!.signingKey);
    expect(execFileSync("ssh-keygen", ["-lf", keyFile], { encoding: "utf8" })).toContain(owner!.fingerprint);
  });
});

describe("owner allowed-signers", () => {
  it.skipIf(lacks("ssh-keygen"))("is what ssh-keygen checks the state with", async () => {
    const { box, bob, trusted } = await withBob();
    const check = (name: string) => {
      const files = ["-f", join(box.root, "allowed_signers"), "-s", join(bob.clone, ".agent-vault/vault.lock.sig")];
      return execFileSync("ssh-keygen", ["-Y", "verify", ...files, "-I", name, "-n", "agent-vault"], {
        input: readFileSync(join(bob.clone, ".agent-vault/vault.lock")),
        encoding: "utf8",
        stdio: ["pipe", "pipe", "ignore"],
      });
    };
    writeFileSync(join(box.root, "allowed_signers"), await box.ok("owner", "allowed-signers"));
    expect(check("eric")).toContain('Good "agent-vault" signature for eric');
    expect(() => check("bob")).toThrow();
    expect((await bob.cli(["set", "db/new", "--generate"], { AGENT_VAULT_OWNER: trusted })).code).toBe(0);
    expect(check("bob")).toContain('Good "agent-vault" signature for bob');
    expect(() => check("eric")).toThrow();
  });
});

describe("add-owner", () => {
  it("encrypts everything to the new owner, after the owners and before the agents, with new file keys", async () => {
    const box = await vault();
    const eric = readIdentity(box.ownerKey);
    const before = new Set(await fileKeys(encryptedFiles(box.vault), eric));
    box.addRemote();
    const bob = new Person(box, "bob");
    const key = await bob.makeKey();
    await addBob(box, bob);
    const files = encryptedFiles(box.vault);
    expect([...files.keys()]).toEqual([
      "agents/ann/private.key.escrow",
      "secrets/db/url.enc",
      "secrets/stripe/api-key.enc",
      "secrets/stripe/webhook.enc",
    ]);
    for (const [file, bytes] of files) {
      const { stanzas } = parseHeader(bytes);
      expect([file, stanzas.length]).toEqual([file, file.startsWith("secrets/stripe") ? 3 : 2]);
      for (const [index, identity] of [eric, key].entries()) expect(await identity.unwrapFileKey([stanzas[index]!])).not.toBeNull();
    }
    for (const fileKey of await fileKeys(files, eric)) expect(before.has(fileKey)).toBe(false);
    expect(JSON.parse((await box.cli(["check", "--strict", "--json"])).stdout.toString())).toMatchObject({ findings: [] });
  });

  it("leaves the new owner's first read to a word from outside the repository, once", async () => {
    const { bob, trusted } = await withBob();
    const first = await bob.cli(["get", "db/url"]);
    expect([errorCode(first), first.code, first.stdout.toString()]).toEqual(["UNTRUSTED_SIGNER", 5, ""]);
    const told = await bob.cli(["get", "db/url"], { AGENT_VAULT_OWNER: trusted });
    expect([told.code, told.stdout.toString()]).toEqual([0, "url"]);
    expect(await bob.ok("get", "db/url")).toBe("url");
    expect(await bob.ok("get", "stripe/webhook")).toBe("wh");
    await bob.ok("restore-agent", "ann");
  });

  it("can make the new owner's key here, and its file says whom to trust", async () => {
    const box = await vault();
    const bob = join(box.root, "bob.key");
    const added = await json<{ keyFile: string; recipient: string }>(box.ok("add-owner", "bob", "--key-out", bob, "--json"));
    expect(added).toMatchObject({ keyFile: bob, recipient: await readIdentity(bob).recipient() });
    expect(statSync(bob).mode & 0o777).toBe(0o600);
    const home = join(box.root, "bob-home");
    const read = await box.cli(["get", "stripe/api-key", "--key", bob], { env: { HOME: home } });
    expect([read.code, read.stdout.toString(), read.stderr]).toEqual([0, "sk", ""]);
    const again = await box.cli(["add-owner", "carol", "--key-out", bob]);
    expect(errorCode(again)).toBe("ALREADY_EXISTS");
  });

  it("refuses a name, a twin, a key that is there, half of the keys, and a key of another kind", async () => {
    const { box, bob } = await withBob();
    const [recipient, signingKey] = (await bob.ok("owner", "keys")).trimEnd().split("\n") as [string, string];
    const fresh = await generateIdentity("x25519").then((identity) => identity.recipient());
    const quantum = await generateIdentity("post-quantum").then((identity) => identity.recipient());
    const refuses = async (code: string, name: string, ...flags: string[]) => {
      const head = box.git("rev-parse", "HEAD");
      expect([flags, errorCode(await box.cli(["add-owner", name, ...flags]))]).toEqual([flags, code]);
      expect(box.git("rev-parse", "HEAD")).toBe(head);
    };
    const other = signingKey.replace(/.{6}$/, "AAAAAA");
    await refuses("INVALID_NAME", "../bob", "--recipient", fresh, "--signing-key", other);
    await refuses("ALREADY_EXISTS", "Eric", "--recipient", fresh, "--signing-key", other);
    await refuses("ALREADY_EXISTS", "carol", "--recipient", recipient, "--signing-key", other);
    await refuses("ALREADY_EXISTS", "carol", "--recipient", fresh, "--signing-key", signingKey);
    await refuses("MIXED_RECIPIENTS", "carol", "--recipient", quantum, "--signing-key", other);
    await refuses("INVALID_KEY", "carol", "--recipient", fresh, "--signing-key", "ssh-rsa AAAA");
    await refuses("INVALID_RECIPIENT", "carol", "--recipient", "age1x", "--signing-key", other);
    await refuses("USAGE", "carol", "--recipient", fresh);
    await refuses("USAGE", "carol", "--recipient", fresh, "--signing-key", other, "--key-out", "carol.key");
    await refuses("USAGE", "carol");
  });

  it("keeps a post-quantum vault post-quantum", async () => {
    const box = await vault("post-quantum");
    await box.ok("add-owner", "bob", "--key-out", join(box.root, "bob.key"));
    expect(readIdentity(join(box.root, "bob.key")).kind).toBe("post-quantum");
    await box.ok("rotate-owner", "--recover-agents");
    expect(await box.ok("get", "db/url")).toBe("url");
    expect(await box.ok("get", "stripe/webhook", "--key", box.agentKey("ann"))).toBe("wh");
  });

  it("says what it would do on --dry-run, and so do the others, and changes nothing", async () => {
    const box = await vault();
    await box.ok("add-owner", "bob", "--key-out", join(box.root, "bob.key"));
    const home = () => readdirSync(box.home, { recursive: true, encoding: "utf8" }).toSorted();
    const [head, keys] = [box.git("rev-parse", "HEAD"), home()];
    for (const args of [
      ["add-owner", "carol", "--key-out", "carol.key"],
      ["remove-owner", "bob"],
      ["rotate-owner", "--recover-agents"],
    ]) {
      const said = await json<object>(box.ok(...args, "--dry-run", "--json"));
      expect(said).toMatchObject({ dry_run: true, secrets: Object.keys(SECRETS).toSorted() });
    }
    expect([box.git("rev-parse", "HEAD"), box.git("status", "--porcelain"), home()]).toEqual([head, "", keys]);
    expect(existsSync(join(box.repository, "carol.key"))).toBe(false);
  });
});

describe("two owners", () => {
  it("sign by turns, and both and an agent keep working", async () => {
    const { box, bob, trusted } = await withBob();
    const agent = new Person(box, "agent");
    const agentReads = () => agent.cli(["get", "stripe/api-key", "--key", box.agentKey("ann")]);
    expect((await agentReads()).stdout.toString()).toBe("sk");
    await bob.cli(["list"], { AGENT_VAULT_OWNER: trusted });
    for (const turn of ["one", "two"]) {
      await bob.ok("set", "stripe/api-key", `${turn} by bob`);
      bob.push();
      box.git("pull", "--quiet");
      expect(await box.ok("get", "stripe/api-key")).toBe(`${turn} by bob`);
      await box.ok("set", "stripe/api-key", `${turn} by eric`);
      box.git("push", "--quiet");
      bob.pull();
      agent.pull();
      expect(await bob.ok("get", "stripe/api-key")).toBe(`${turn} by eric`);
      const read = await agentReads();
      expect([read.stdout.toString(), read.stderr]).toEqual([`${turn} by eric`, ""]);
    }
  });
});

describe("remove-owner", () => {
  it("takes an owner out: nothing present opens with the key, and no file key is an old one", async () => {
    const { box, bob, key, trusted } = await withBob();
    await bob.cli(["list"], { AGENT_VAULT_OWNER: trusted });
    const before = new Set(await fileKeys(encryptedFiles(box.vault), key));
    const removed = await json<{ secrets: string[] }>(box.ok("remove-owner", "bob", "--json"));
    expect(removed.secrets).toEqual(Object.keys(SECRETS).toSorted());
    expect(await fileKeys(encryptedFiles(box.vault), key)).toEqual([undefined, undefined, undefined, undefined]);
    for (const fileKey of await fileKeys(encryptedFiles(box.vault), readIdentity(box.ownerKey))) expect(before.has(fileKey)).toBe(false);
    expect((await listed(box)).map(({ name }) => name)).toEqual(["eric"]);
    expect(readFileSync(join(box.vault, "vault.lock"), "utf8")).not.toContain("bob");
    expect(existsSync(join(box.vault, "owners"))).toBe(false);
    expect(JSON.parse((await box.cli(["check", "--strict", "--json"])).stdout.toString())).toMatchObject({ findings: [] });
    box.git("push", "--quiet");
    bob.pull();
    expect(errorCode(await bob.cli(["get", "db/url"]))).toBe("NOT_AUTHORIZED");
    expect(errorCode(await bob.cli(["set", "db/url", "--generate"]))).toBe("NOT_AUTHORIZED");
  });

  it("lets the first owner leave: the next one's recipient is owner.pub, and the chain carries on", async () => {
    const { box, bob, key, trusted } = await withBob();
    const eric = readIdentity(box.ownerKey);
    await bob.cli(["list"], { AGENT_VAULT_OWNER: trusted });
    await box.ok("remove-owner", "eric");
    box.git("push", "--quiet");
    expect(readFileSync(join(box.vault, "owner.pub"), "utf8")).toBe(await key.recipient());
    expect(existsSync(join(box.vault, "owners/bob.pub"))).toBe(false);
    expect(new Set(await fileKeys(encryptedFiles(box.vault), eric))).toEqual(new Set([undefined]));
    bob.pull();
    const left = await bob.cli(["get", "db/url"]);
    expect([left.stdout.toString(), left.stderr]).toEqual(["url", ""]);
    await bob.ok("set", "db/url", "bob's alone");
    bob.push();
    box.git("pull", "--quiet");
    const agent = await box.cli(["get", "stripe/webhook", "--key", box.agentKey("ann")]);
    expect([agent.stdout.toString(), agent.stderr]).toEqual(["wh", ""]);
    expect(errorCode(await box.cli(["set", "db/url", "--generate"]))).toBe("NOT_AUTHORIZED");
    expect(JSON.parse((await bob.cli(["check", "--strict", "--json"])).stdout.toString())).toMatchObject({ findings: [] });
  });

  it("refuses the last owner, a name that is none, and new agents' keys from who is leaving", async () => {
    const { box } = await withBob();
    expect(errorCode(await box.cli(["remove-owner", "bop"]))).toBe("OWNER_NOT_FOUND");
    expect(errorCode(await box.cli(["remove-owner", "eric", "--recover-agents"]))).toBe("USAGE");
    await box.ok("remove-owner", "bob");
    expect(errorCode(await box.cli(["remove-owner", "eric"]))).toBe("CONFLICT");
  });

  it("gives every agent a new key on --recover-agents", async () => {
    const { box, bob } = await withBob();
    await bob.cli(["list"]);
    const removed = await json<{ agents: { agent: string; retiredKeyFile: string }[] }>(
      box.ok("remove-owner", "bob", "--recover-agents", "--json"),
    );
    expect(removed.agents.map(({ agent }) => agent)).toEqual(["ann"]);
    expect(await box.ok("get", "stripe/webhook", "--key", box.agentKey("ann"))).toBe("wh");
    expect(errorCode(await box.cli(["get", "stripe/webhook", "--key", removed.agents[0]!.retiredKeyFile]))).toBe("NOT_AUTHORIZED");
  });
});

describe("rotate-owner", () => {
  it("makes a key of this vault's own, and the old one opens no present file", async () => {
    const box = await vault();
    const old = readIdentity(box.ownerKey);
    const before = new Set(await fileKeys(encryptedFiles(box.vault), old));
    const subjects = box.git("log", "--format=%s").split("\n");
    const rotated = await json<{ keyFile: string; retiredKeyFile: string; recipient: string; signingKey: string }>(
      box.ok("rotate-owner", "--json"),
    );
    expect(rotated.keyFile).toBe(ownKey(box));
    expect(statSync(rotated.keyFile).mode & 0o777).toBe(0o600);
    expect(existsSync(box.ownerKey)).toBe(false);
    expect(readIdentity(rotated.retiredKeyFile).reveal()).toBe(old.reveal());
    expect(await openedBy(box, rotated.retiredKeyFile)).toBe(0);
    expect(await openedBy(box, rotated.keyFile)).toBe(4);
    for (const fileKey of await fileKeys(encryptedFiles(box.vault), readIdentity(rotated.keyFile))) expect(before.has(fileKey)).toBe(false);
    expect(box.git("log", "--format=%s").split("\n")).toEqual([
      "agent-vault: rotate the key of owner eric: signed with the new key",
      "agent-vault: rotate the key of owner eric",
      ...subjects,
    ]);
    expect(await listed(box)).toEqual([
      {
        name: "eric",
        recipient: rotated.recipient,
        signingKey: rotated.signingKey,
        fingerprint: expect.any(String) as string,
        signed: true,
      },
    ]);
    expect(box.git("status", "--porcelain")).toBe("");
    await box.set("db/url", "after");
    expect(await box.ok("get", "db/url")).toBe("after");
    await box.ok("rotate-owner");
    expect(readdirSync(dirname(ownKey(box))).map((name) => name.replace(/T\d+Z$/, ""))).toEqual([
      `${vaultId(box)}.key`,
      expect.stringContaining(`${vaultId(box)}.key.retired-`),
    ]);
    expect(await box.ok("get", "db/url")).toBe("after");
    expect(JSON.parse((await box.cli(["check", "--strict", "--json"])).stdout.toString())).toMatchObject({ findings: [] });
  });

  it("is followed by a machine that has the new key and a clone, and nothing else", async () => {
    const box = await vault();
    box.addRemote();
    const { keyFile } = await json<{ keyFile: string }>(box.ok("rotate-owner", "--json"));
    box.git("push", "--quiet");
    const machine = new Person(box, "new-machine");
    const home = join(machine.home, ".agent-vault/owners");
    mkdirSync(home, { recursive: true, mode: 0o700 });
    writeFileSync(join(home, `${vaultId(box)}.key`), readFileSync(keyFile), { mode: 0o600 });
    const read = await machine.cli(["get", "db/url"]);
    expect([read.stdout.toString(), read.stderr]).toEqual(["url", ""]);
    await machine.ok("set", "db/url", "there");
    machine.push();
    box.git("pull", "--quiet");
    expect(await box.ok("get", "db/url")).toBe("there");
  });

  it("keeps the shared key while other vaults know it, and the last rotation puts it aside", async () => {
    const box = await vault();
    const other = join(box.root, "other");
    await box.ok("init", other, "--no-hook");
    await box.ok("-C", other, "set", "a/b", "theirs");
    const rotated = await json<{ retiredKeyFile?: string; otherVaults: string[] }>(box.ok("rotate-owner", "--json"));
    expect(rotated.retiredKeyFile).toBeUndefined();
    expect(rotated.otherVaults).toHaveLength(1);
    expect(existsSync(box.ownerKey)).toBe(true);
    expect(await box.ok("-C", other, "get", "a/b")).toBe("theirs");
    expect(await box.ok("get", "db/url")).toBe("url");
    await box.ok("-C", other, "rotate-owner");
    expect(existsSync(box.ownerKey)).toBe(false);
    expect(await box.ok("-C", other, "get", "a/b")).toBe("theirs");
    expect(await box.ok("get", "db/url")).toBe("url");
  });

  it("wants a place for the new key where the old one was given by hand, and leaves that one alone", async () => {
    const box = await vault();
    expect(errorCode(await box.cli(["rotate-owner", "--key", box.ownerKey]))).toBe("USAGE");
    const text = readIdentity(box.ownerKey).reveal();
    expect(errorCode(await box.cli(["rotate-owner"], { env: { AGENT_VAULT_KEY: text } }))).toBe("USAGE");
    const next = join(box.root, "next.key");
    await box.ok("rotate-owner", "--key", box.ownerKey, "--key-out", next);
    expect(existsSync(box.ownerKey)).toBe(true);
    expect(await box.ok("get", "db/url", "--key", next)).toBe("url");
    expect(errorCode(await box.cli(["get", "db/url"]))).toBe("NOT_AUTHORIZED");
    const last = join(box.root, "last.key");
    const outcome = await box.cli(["rotate-owner", "--key-out", last], { env: { AGENT_VAULT_KEY: next } });
    expect([outcome.code, existsSync(next)]).toEqual([0, true]);
    expect(await box.ok("get", "db/url", "--key", last)).toBe("url");
    expect(errorCode(await box.cli(["rotate-owner", "--key", last, "--key-out", next]))).toBe("ALREADY_EXISTS");
  });

  it("protects the new key with a passphrase of its own, where asked or where the old one was protected", async () => {
    const box = await vault();
    const asked: string[] = [];
    const context = box.context({
      passphrase: async (file) => {
        asked.push(file);
        return "first";
      },
    });
    await rotateOwner(context, { vault: box.vault, protect: true, passphrase: async () => "first" });
    expect(asked).toEqual([]);
    expect(readFileSync(ownKey(box), "latin1")).toContain("scrypt");
    const read = async (passphrase: string) =>
      Buffer.from((await readSecret(box.context({ passphrase: async () => passphrase }), box.vault, "db/url")).value).toString();
    expect(await read("first")).toBe("url");
    await rotateOwner(context, { vault: box.vault, passphrase: async () => "second" });
    expect(asked).toEqual([ownKey(box)]);
    expect(await read("second")).toBe("url");
    await expect(read("first")).rejects.toMatchObject({ code: "WRONG_PASSPHRASE" });
  });

  it("gives every agent a new key on --recover-agents, and lists what to rotate at the source", async () => {
    const box = await vault();
    const former = readIdentity(box.agentKey("ann"));
    const { secrets } = JSON.parse(await box.ok("rotate-owner", "--recover-agents", "--json")) as { secrets: string[] };
    expect(secrets.toSorted()).toEqual(Object.keys(SECRETS).toSorted());
    expect(await box.ok("get", "stripe/webhook", "--key", box.agentKey("ann"))).toBe("wh");
    expect(await fileKeys(encryptedFiles(box.vault), former)).toEqual([undefined, undefined, undefined, undefined]);
    expect(readFileSync(box.agentKey("ann"), "utf8")).toContain((await listed(box))[0]!.signingKey);
    expect(JSON.parse(await box.ok("restore-agent", "ann", "--json"))).toMatchObject({ present: true });
    const again = await box.ok("rotate-owner");
    expect(again).toContain("recover-agent");
    expect(again).not.toContain("  stripe/webhook");
  });

  it("reports progress and works on many files, on worker threads too", async () => {
    const box = await vault();
    for (let index = 0; index < 3; index++) await box.set(`many/secret-${index}`, Buffer.alloc(900_000, index));
    await addOwner(box.context(), { vault: box.vault, owner: "bob", keyOut: join(box.root, "bob.key") });
    const steps: number[] = [];
    const progress = ({ done }: { done: number }) => void steps.push(done);
    const rotated = await rotateOwner(box.context({ progress }), { vault: box.vault });
    expect(steps.at(-1)).toBe(7);
    const { identities } = await loadKeys(box.context(), { keyFile: rotated.keyFile });
    await removeOwner(box.context({ progress }), { vault: box.vault, owner: "eric" });
    expect(new Set(await fileKeys(encryptedFiles(box.vault), identities[0]!))).toEqual(new Set([undefined]));
    const bob = readIdentity(join(box.root, "bob.key"));
    expect(await decrypt(encryptedFiles(box.vault).get("secrets/many/secret-2.enc")!, [bob])).toEqual(new Uint8Array(900_000).fill(2));
  });
});
