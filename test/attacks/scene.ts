/* oxlint-disable vitest/no-standalone-expect -- what the tests of this folder share */
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, vi } from "vitest";
import { Vault } from "#sdk-node/index.js";
import {
  generateIdentity,
  grant,
  init,
  openState,
  readSecret,
  revoke,
  set,
  sync,
  VaultError,
  type Context,
  type Identity,
} from "#vault/index.js";
import { parseLock, type Lock } from "#vault/lock/lock.js";
import { SigningKey } from "#vault/keys/signing-key.js";
import { madeOnce } from "../support/made-once.js";
import { Sandbox } from "../support/sandbox.js";
import { makeVault } from "../support/vault.js";
import { readIdentity } from "../support/identity.js";
import { moveMemories, setLastAsked } from "../support/memory-and-clock.js";

/** The values that are there at the start, and the one that was replaced when bob was shut out. */
export const VALUE = "sk_live_2";
export const OLD_VALUE = "sk_live_1";
export const FORGED = "sk_of_mallory";

/**
 * A vault on a bare remote, its owner eric, its agent alice on a machine of her own, and mallory, who can push. eric and alice have read
 * the newest state. bob was an agent until two states ago, when he was revoked and the value that he knew was replaced.
 */
export class Scene {
  readonly box: Sandbox;

  private constructor(box: Sandbox) {
    this.box = box;
  }

  /** A machine park of its own for one test; it is built once for all tests and copied. */
  static async make(): Promise<Scene> {
    const root = await madeOnce(["scene"], {}, build);
    const box = new Sandbox({ git: false });
    await box.run("cp", ["-Rp", `${root}/.`, box.root], { cwd: box.root });
    moveMemories(box, root);
    return new Scene(box);
  }

  folder(name: "repository" | "alice" | "mallory" | "other"): string {
    return join(this.box.root, name);
  }

  /** eric, who owns the vault, in his clone. */
  get owner(): Person {
    return new Person(this.box, "repository", this.box.home, this.box.ownerKey);
  }

  /** alice, an agent, in hers. */
  get alice(): Person {
    return new Person(
      this.box,
      "alice",
      join(this.box.root, "alice-home"),
      join(this.box.root, "alice-home/.agent-vault/agents/alice.key"),
    );
  }

  /** Anybody in a fresh clone on a fresh machine. */
  newcomer(key: string, options: readonly string[] = []): Person {
    const home = mkdtempSync(join(this.box.root, "home-"));
    const clone = mkdtempSync(join(this.box.root, "clone-"));
    this.box.gitIn(this.box.root, "clone", "--quiet", ...options, "remote.git", clone);
    return new Person(this.box, clone.slice(this.box.root.length + 1), home, key);
  }

  /** Edits the vault in mallory's clone and pushes it. */
  async push(edit: (vault: string) => unknown): Promise<void> {
    const clone = this.folder("mallory");
    await edit(join(clone, ".agent-vault"));
    this.box.gitIn(clone, "add", "--all", "--force");
    this.box.gitIn(clone, "commit", "--quiet", "--allow-empty", "--message", "An innocent change");
    this.box.gitIn(clone, "push", "--quiet", "--force");
  }

  /** The key that signs the vault's states; mallory has it where a test says that it was stolen. */
  signingKey(identity: Identity = readIdentity(this.box.ownerKey), vault = this.lock().vault): SigningKey {
    return new SigningKey(identity, vault);
  }

  lock(folder = this.folder("repository")): Lock {
    return parseLock(readFileSync(join(folder, ".agent-vault/vault.lock")));
  }
}

/** A way in which a person meets the vault. It gives what came out, if anything did. */
export type Door = (person: Person) => Promise<unknown>;

export class Person {
  readonly box: Sandbox;
  readonly clone: string;
  readonly home: string;
  readonly key: string;
  readonly warnings: string[] = [];

  constructor(box: Sandbox, clone: string, home: string, key: string) {
    this.box = box;
    this.clone = join(box.root, clone);
    this.home = home;
    this.key = key;
  }

  get vault(): string {
    return join(this.clone, ".agent-vault");
  }

  get env(): Readonly<Record<string, string | undefined>> {
    return { ...this.box.env, HOME: this.home, AGENT_VAULT_KEY: this.key };
  }

  context(env: Readonly<Record<string, string>> = {}): Context {
    return this.box.context({
      cwd: this.clone,
      home: join(this.home, ".agent-vault"),
      env: { ...this.env, ...env },
      warn: (message) => this.warnings.push(message),
    });
  }

  /** As git alone does it, with no look at what comes. */
  takeUnseen(): void {
    this.box.gitIn(this.clone, "pull", "--quiet", "--ff-only");
    this.fetchAgain();
  }

  /** Forgets that something was fetched a moment ago. */
  fetchAgain(): void {
    setLastAsked(this.clone);
  }

  async read(path = "stripe/api-key", env: Readonly<Record<string, string>> = {}): Promise<string> {
    const { value } = await readSecret(this.context(env), this.vault, path, { pull: false, key: { keyFile: this.key } });
    return Buffer.from(value).toString();
  }

  async pullAndRead(path = "stripe/api-key"): Promise<string> {
    const { value } = await readSecret(this.context(), this.vault, path, { key: { keyFile: this.key } });
    return Buffer.from(value).toString();
  }

  async readInProgram(autoPull: boolean): Promise<string> {
    vi.stubEnv("AGENT_VAULT_HOME", join(this.home, ".agent-vault"));
    vi.stubEnv("GIT_CONFIG_GLOBAL", this.box.env["GIT_CONFIG_GLOBAL"]);
    try {
      return await new Vault({ repoPath: this.clone, keyPath: this.key, autoPull }).get("stripe/api-key");
    } finally {
      vi.unstubAllEnvs();
    }
  }

  /** All that must stay as it is where a person is refused. */
  snapshot(): string[] {
    this.fetchAgain();
    return [
      ...["HEAD", "refs/heads/main", "packed-refs"].map((file) => readIfThere(join(this.clone, ".git", file))),
      ...contentsBelow(this.clone).filter((line) => !line.startsWith(".git/")),
      ...contentsBelow(this.home).filter((line) => line.startsWith(".agent-vault/trust/")),
    ];
  }

  /** That the vault is listed as it was before a commit that nobody signed, with a warning that names it. */
  async expectListedAsBefore(): Promise<void> {
    const commit = this.box.gitIn(this.clone, "rev-parse", "HEAD").slice(0, 12);
    const { manifest } = await openState(this.context(), this.vault);
    expect([...manifest.agents.keys()]).toEqual(["alice", "bob"]);
    expect(this.warnings.filter((warning) => warning.includes(commit))).not.toEqual([]);
  }

  /** See {@link expectRefusal}. */
  expectRefused(code: string, doors: Readonly<Record<string, Door>>): Promise<void> {
    return expectRefusal(this, code, doors);
  }
}

/** That each door ends with an error of verification, with nothing given out and nothing changed. */
async function expectRefusal(person: Person, code: string, doors: Readonly<Record<string, Door>>): Promise<void> {
  for (const [name, door] of Object.entries(doors)) {
    const before = person.snapshot();
    const outcome = await door(person).then(
      (value) => `came through with ${JSON.stringify(value)}`,
      (error: unknown) => (error instanceof VaultError ? [error.code, error.exitCode] : [String(error)]),
    );
    expect([name, outcome]).toEqual([name, [code, 5]]);
    expect(person.snapshot(), name).toEqual(before);
  }
}

/** Reading what lies in the work tree. */
export const READ: Readonly<Record<string, Door>> = {
  get: (person) => person.read(),
  "the Node SDK": (person) => person.readInProgram(false),
};

/** Reading after a pull. */
export const PULL: Readonly<Record<string, Door>> = {
  get: (person) => person.pullAndRead(),
  "the Node SDK": (person) => person.readInProgram(true),
  "sync --pull": (person) => sync(person.context(), person.vault, { push: false, key: { keyFile: person.key } }),
};

/** What looks at the whole vault. */
export const OVERVIEW: Readonly<Record<string, Door>> = {
  list: async (person) => [...(await openState(person.context(), person.vault)).manifest.agents.keys()],
};

/** What signs. */
export const CHANGE: Readonly<Record<string, Door>> = {
  set: (person) => set(person.context(), { vault: person.vault, path: "stripe/api-key", value: Buffer.from("a new value") }),
  grant: (person) => grant(person.context(), { vault: person.vault, agent: "alice", target: "db" }),
};

function readIfThere(file: string): string {
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

/** One of several doors, another one in each turn: all of them for every attack would take minutes. */
export function inTurn(doors: Readonly<Record<string, Door>>, turn: number): Readonly<Record<string, Door>> {
  const entries = Object.entries(doors);
  return Object.fromEntries([entries[turn % entries.length]!]);
}

/** Each file with its mode and bytes, each link with where it leads. */
function contentsBelow(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => !entry.isDirectory());
  return entries
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const content = entry.isSymbolicLink() ? readlinkSync(path) : readFileSync(path, "base64");
      return `${path.slice(folder.length + 1)} ${lstatSync(path).mode.toString(8)} ${content}`;
    })
    .toSorted();
}

async function build(box: Sandbox): Promise<void> {
  const context = box.context();
  const { vault } = box;
  const secrets = { "stripe/api-key": OLD_VALUE, "stripe/webhook": "wh_live", "db/url": "db_live" };
  await makeVault(box, secrets, { alice: ["stripe"], bob: ["stripe"] });
  box.git("tag", "with-bob");
  await revoke(context, { vault, agent: "bob", target: "stripe" });
  await box.set("stripe/api-key", VALUE);
  box.addRemote();
  box.git("push", "--quiet", "origin", "with-bob");
  box.git("remote", "set-url", "origin", "../remote.git");

  const other = join(box.root, "other");
  await init(context, { directory: other });
  await set(context, { vault: join(other, ".agent-vault"), path: "stripe/api-key", value: Buffer.from("of the other vault") });

  const keys = join(box.root, "alice-home/.agent-vault/agents");
  mkdirSync(keys, { recursive: true });
  writeFileSync(join(keys, "alice.key"), readFileSync(box.agentKey("alice")), { mode: 0o600 });
  for (const name of ["alice", "mallory"]) {
    box.gitIn(box.root, "clone", "--quiet", "remote.git", name);
    box.gitIn(join(box.root, name), "remote", "set-url", "origin", "../remote.git");
  }
  const scene = Reflect.construct(Scene, [box]) as Scene;
  for (const person of [scene.owner, scene.alice]) {
    expect(await person.pullAndRead()).toBe(VALUE);
    // The next read is to fetch again.
    person.fetchAgain();
  }
}

/** mallory's own key, and a recipient to inject. */
export async function malloryKey(): Promise<{ identity: Identity; recipient: string }> {
  const identity = await generateIdentity("x25519");
  return { identity, recipient: await identity.recipient() };
}

/** Edits a text file of a vault. */
export function edit(vault: string, file: string, change: (text: string) => string): void {
  const path = join(vault, file);
  const before = readFileSync(path, "utf8");
  const after = change(before);
  expect(after).not.toBe(before);
  writeFileSync(path, after);
}

export function write(vault: string, file: string, content: string | Uint8Array): void {
  mkdirSync(dirname(join(vault, file)), { recursive: true });
  writeFileSync(join(vault, file), content);
}
