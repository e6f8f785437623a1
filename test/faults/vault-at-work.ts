import { createHash } from "node:crypto";
import { chmodSync, lstatSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import {
  addAgent,
  check,
  decrypt,
  encrypt,
  escrowFile,
  init,
  parseIdentity,
  parseRecipient,
  parseSecretPath,
  secretFile,
  sign,
  VaultError,
  VaultState,
  type Identity,
} from "#vault/index.js";
import { madeOnce } from "../support/made-once.js";
import { Sandbox } from "../support/sandbox.js";
import { readIdentity } from "../support/identity.js";

/** Who reads which secret with which value: what a vault should come to, written down without asking it. */
export interface Expected {
  /** By the secret's path as it is shown; readers besides the owner, sorted. */
  readonly secrets: Readonly<Record<string, { readonly value: string; readonly readers: readonly string[] }>>;
  /** Agents whose key is not the one that {@link VaultAtWork.keys} holds. */
  readonly rekeyed?: readonly string[];
  readonly agents: readonly string[];
}

/** The same with other readers. */
export function withReaders(expected: Expected, change: (secret: string, readers: readonly string[]) => readonly string[]): Expected {
  const entries = Object.entries(expected.secrets).map(
    ([secret, { value, readers }]) => [secret, { value, readers: change(secret, readers) }] as const,
  );
  return { ...expected, secrets: Object.fromEntries(entries) };
}

/** The secret of group `stripe` that carol reads beyond her groups. */
export const EXTRA_SECRET = "stripe/key-3";

const GROUPS: Readonly<Record<string, readonly string[]>> = { alice: ["stripe"], bob: ["stripe", "other"], carol: [] };
const SECRETS: Readonly<Record<string, readonly string[]>> = {
  stripe: Array.from({ length: 10 }, (_, index) => `stripe/key-${index + 1}`),
  other: ["other/token"],
  deep: ["deep/er/nested"],
};
const EXTRA: Readonly<Record<string, readonly string[]>> = { [EXTRA_SECRET]: ["carol"], "deep/er/nested": ["carol"] };

const readersOf = (group: string, path: string): string[] =>
  Object.keys(GROUPS).filter((agent) => GROUPS[agent]!.includes(group) || EXTRA[path]?.includes(agent));

/** What the vault is at the start. */
const EXPECTED: Expected = {
  secrets: Object.fromEntries(
    Object.entries(SECRETS).flatMap(([group, paths]) =>
      paths.map((path) => [path, { value: `the value of ${path}\n`, readers: readersOf(group, path) }]),
    ),
  ),
  agents: Object.keys(GROUPS),
};

const keysOf = (box: Sandbox): Readonly<Record<string, Identity>> =>
  Object.fromEntries(Object.keys(GROUPS).map((agent) => [agent, readIdentity(box.agentKey(agent))]));

/**
 * A repository with a vault, in the middle of a person's own work.
 *
 * Group `stripe` has 10 secrets; alice and bob read it; carol reads one of it, and no group's. Group `other` is bob's, and group
 * `deep` has a secret in a nested folder. Beside the vault there are files in every state that git knows.
 */
export class VaultAtWork {
  /** The agents' keys at the start. */
  readonly keys: Readonly<Record<string, Identity>>;
  readonly expected: Expected;
  readonly box: Sandbox;

  private constructor(box: Sandbox) {
    this.box = box;
    this.expected = EXPECTED;
    this.keys = keysOf(box);
  }

  /** It is built once for all tests and copied. */
  static async make(): Promise<VaultAtWork> {
    const root = await madeOnce(["vault at work"], {}, build);
    const box = new Sandbox({ git: false });
    await box.takeOver(root);
    return new VaultAtWork(box);
  }

  /** The same on another machine of its own. */
  copy(): Promise<Sandbox> {
    return this.box.copy();
  }
}

async function build(box: Sandbox): Promise<void> {
  await init(box.context(), {});
  for (const agent of Object.keys(GROUPS)) await addAgent(box.context(), { vault: box.vault, agent });
  await writeSecrets(box, keysOf(box));
  leaveWorkUnfinished(box);
  rmSync(join(box.repository, ".git", "hooks"), { recursive: true });
  box.git("repack", "-adq");
}

/** Writes all secrets in one commit, which is many times faster than one `set` for each. */
async function writeSecrets(box: Sandbox, keys: Readonly<Record<string, Identity>>): Promise<void> {
  const list = (name: string, items: readonly string[], indent = "") =>
    items.length === 0 ? `${indent}${name}: []\n` : `${indent}${name}:\n${items.map((item) => `${indent}- ${item}\n`).join("")}`;
  const owner = await readIdentity(box.ownerKey).recipient();
  for (const [group, paths] of Object.entries(SECRETS)) {
    for (const path of paths) {
      const { value, readers } = EXPECTED.secrets[path]!;
      const recipients = [owner, ...(await Promise.all(readers.map((agent) => keys[agent]!.recipient())))].map(parseRecipient);
      box.write(`.agent-vault/secrets/${path}.enc`, await encrypt(Buffer.from(value), recipients));
      const times = ["created", "rotated"].map((name) => `${name}: 2026-11-01T10:00:00.000Z\n`).join("");
      box.write(
        `.agent-vault/secrets/${path}.meta`,
        `name: ${path}\ngroup: ${group}\n${times}${list("authorized_agents", readers)}version: 1\n`,
      );
    }
  }
  const agents = Object.entries(GROUPS).map(([name, groups]) => `- name: ${name}\n${list("groups", groups, "  ")}`);
  const groups = Object.entries(SECRETS).map(([name, paths]) => `- name: ${name}\n${list("secrets", paths, "  ")}`);
  const extra = Object.entries(EXTRA).map(([path, agents]) => list(path, agents, "  "));
  const owners = "owners:\n- name: eric\n  public_key: owner.pub\n";
  box.write(
    ".agent-vault/manifest.yaml",
    `version: 1\n${owners}agents:\n${agents.join("")}groups:\n${groups.join("")}extra_agents:\n${extra.join("")}`,
  );
  box.git("add", ".agent-vault");
  box.git("commit", "--quiet", "--no-verify", "-m", "Secrets");
  await sign(box.context(), { vault: box.vault, approve: () => true });
}

function leaveWorkUnfinished(box: Sandbox): void {
  const tracked = [
    "edited.txt",
    "staged.txt",
    "mixed.txt",
    "deleted.txt",
    "removed.txt",
    "src/kept.txt",
    "skipped.txt",
    "with space and ünï.txt",
  ];
  for (const file of tracked) box.write(file, `${file}\nas committed\n`);
  box.git("add", ".");
  box.git("commit", "--quiet", "--no-verify", "-m", "The person's own");

  box.write("staged.txt", "a staged edit\n");
  box.write("mixed.txt", "staged\n");
  box.write("new.txt", "a staged new file\n");
  box.write("run.sh", "#!/bin/sh\n");
  chmodSync(join(box.repository, "run.sh"), 0o755);
  box.write("added.bin", Buffer.from([0, 1, 2, 255]));
  box.git("add", "staged.txt", "mixed.txt", "new.txt", "run.sh", "added.bin");
  box.git("rm", "--quiet", "removed.txt");
  box.write("mixed.txt", "staged, then edited further\r\n");
  box.write("added.bin", Buffer.from([0, 1, 2, 255, 254]));
  box.write("edited.txt", "an edit that is not staged\n");
  box.write("untracked.txt", "untracked\n");
  box.write("promised.txt", "to be added\n");
  box.git("add", "--intent-to-add", "promised.txt");
  box.git("update-index", "--skip-worktree", "skipped.txt");
  rmSync(join(box.repository, "deleted.txt"));
}

/** Everything of the person's, in the work tree, in the index and in the last commit, as one text to compare. */
export function personsWork(box: Sandbox): string {
  const script = ["git ls-files -s -v", "git diff --cached --binary", "git diff --binary"]
    .map((command) => `${command} -- . ':(exclude).agent-vault'`)
    .join("; ");
  const git = box.gitIn(
    box.repository,
    "-c",
    `alias.all=!GIT_OPTIONAL_LOCKS=0; export GIT_OPTIONAL_LOCKS; ${script}; git ls-tree -r HEAD`,
    "all",
  );
  const lines = git.split("\n").filter((line) => !line.includes("\t.agent-vault/"));
  return [...filesBelow(box.repository).filter((line) => !/^\.(?:git|agent-vault)\//.test(line)), ...lines].join("\n");
}

/** The subjects of all commits, the latest first. */
export function subjects(box: Sandbox): string[] {
  return box.git("log", "--format=%s").trimEnd().split("\n");
}

/** Each file with its mode and its bytes' digest, sorted, for a comparison byte for byte. */
export function filesBelow(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => !entry.isDirectory());
  return files
    .map((entry) => join(entry.parentPath, entry.name))
    .map(
      (file) =>
        `${file.slice(folder.length + 1)} ${lstatSync(file).mode.toString(8)} ${createHash("sha256").update(readFileSync(file)).digest("hex")}`,
    )
    .toSorted();
}

/** The vault's files in the work tree, byte for byte. */
export function vaultFiles(box: Sandbox): string[] {
  return filesBelow(box.vault);
}

/**
 * That a vault is wholly in one state: its manifest, its metadata, every file open to those who should and closed to all others, and
 * the work tree, the index and the last commit agree on every file of it.
 */
export async function expectVault(
  box: Sandbox,
  { keys }: Pick<VaultAtWork, "keys">,
  { secrets, agents, rekeyed = [] }: Expected,
): Promise<void> {
  const state = new VaultState(box.vault);
  const context = box.context();
  expect(
    (await check(context, box.vault)).filter(
      ({ severity, kind }) => severity === "error" || kind === "stray" || kind === "metadata-differs",
    ),
  ).toEqual([]);
  expect([...state.manifest.agents.keys()].toSorted()).toEqual([...agents].toSorted());
  expect(state.secretPaths().toSorted()).toEqual(Object.keys(secrets).map(parseSecretPath).toSorted());

  const owner = readIdentity(box.ownerKey);
  const present: Record<string, Identity> = {};
  for (const agent of agents) present[agent] = await escrowed(state, agent, owner);
  for (const [secret, { value, readers }] of Object.entries(secrets)) {
    const path = parseSecretPath(secret);
    expect([secret, ...state.agentsOf(path).toSorted()]).toEqual([secret, ...readers]);
    const file = state.read(secretFile(path))!;
    expect([secret, await open(file, owner)]).toEqual([secret, value]);
    for (const [agent, key] of Object.entries(keys)) {
      const mayOpen = readers.includes(agent) && !rekeyed.includes(agent);
      expect([secret, agent, await open(file, key)]).toEqual([secret, agent, mayOpen ? value : undefined]);
    }
    for (const agent of agents.filter((agent) => rekeyed.includes(agent) || !(agent in keys))) {
      expect([secret, agent, await open(file, present[agent]!)]).toEqual([secret, agent, readers.includes(agent) ? value : undefined]);
    }
  }
  expect(emptyFolders(box.vault)).toEqual([]);
  expect(box.git("status", "--porcelain", "--ignored", "--untracked-files=all", "--", ".agent-vault")).toBe("");
}

/** Of the files that stay the same from one copy to the next, what each key makes of them. */
const opened = new Map<string, string | undefined>();

async function open(file: Uint8Array, identity: Identity): Promise<string | undefined> {
  const id = `${createHash("sha256").update(file).digest("hex")} ${identity.reveal()}`;
  if (!opened.has(id)) opened.set(id, await decryptOrNot(file, identity));
  return opened.get(id);
}

async function decryptOrNot(file: Uint8Array, identity: Identity): Promise<string | undefined> {
  try {
    return Buffer.from(await decrypt(file, [identity])).toString();
  } catch (error) {
    if (error instanceof VaultError && error.code === "NOT_AUTHORIZED") return undefined;
    throw error;
  }
}

async function escrowed(state: VaultState, agent: string, owner: Identity): Promise<Identity> {
  const identity = parseIdentity(Buffer.from(await decrypt(state.read(escrowFile(agent))!, [owner])).toString());
  expect(await identity.recipient()).toBe(state.agentRecipient(agent).text);
  return identity;
}

function emptyFolders(folder: string): string[] {
  const folders = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders.map((entry) => join(entry.parentPath, entry.name)).filter((path) => readdirSync(path).length === 0);
}
