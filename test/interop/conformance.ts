import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { afterAll } from "vitest";
import { Sandbox } from "../support/sandbox.js";
import { setLastAsked } from "../support/memory-and-clock.js";

const FIXTURES = resolve(import.meta.dirname, "../../fixtures/conformance");

/** A door to the vault that a case can be for. */
export type Door = "node" | "python" | "cli";

export type Change =
  | { readonly write: string; readonly text?: string; readonly base64?: string }
  | { readonly remove: string }
  | { readonly swap: readonly [string, string] }
  | { readonly link: string; readonly to: string }
  | { readonly take: string; readonly of: string; readonly append?: string };

/** What a call should come to. */
interface Expected {
  readonly error?: string;
  readonly mentions?: string;
  readonly doors?: readonly Door[];
}

export interface ListedSecret {
  readonly name: string;
  readonly group: string;
  readonly agents: readonly string[];
  readonly expires?: string;
}

export type Call = Expected &
  (
    | { readonly get: string; readonly value?: string }
    | { readonly get_bytes: string; readonly base64?: string }
    | { readonly list_secrets: string | null; readonly secrets?: readonly ListedSecret[] }
    | { readonly list_agents: true; readonly agents?: readonly { readonly name: string; readonly groups: readonly string[] }[] }
    | { readonly push: string | null; readonly change?: readonly Change[] }
  );

export interface Case {
  readonly name: string;
  readonly vault?: string;
  readonly history?: readonly string[];
  readonly change?: readonly Change[];
  readonly key?: { readonly file?: string; readonly text?: string; readonly variable?: string; readonly home?: string };
  readonly trust?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly calls: readonly Call[];
  readonly remembers?: string | null;
}

/** A vault, and what the parts of a reader make of it. */
export interface StateCase extends Pick<Case, "name" | "vault" | "change"> {
  readonly state?: Readonly<Record<string, unknown>>;
  readonly error?: string;
}

interface Suite {
  readonly vaults: Readonly<Record<string, readonly string[]>>;
  readonly cases: readonly Case[];
}

const suite = JSON.parse(readFileSync(join(FIXTURES, "cases.json"), "utf8")) as Suite;
const states = JSON.parse(readFileSync(join(FIXTURES, "../states/cases.json"), "utf8")) as Suite & {
  readonly states: readonly StateCase[];
};
const vaults = { ...suite.vaults, ...states.vaults };
const signers = JSON.parse(readFileSync(join(FIXTURES, "signers.json"), "utf8")) as Readonly<Record<string, string>>;

export const CASES = [...suite.cases, ...states.cases];
export const STATES = states.states;
export const keyFile = (name: string): string => join(FIXTURES, "keys", name);

/** The machine of a case. */
export class CaseMachine {
  readonly box: Sandbox;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;

  constructor(given: Case) {
    this.box = new Sandbox({ git: false });
    this.home = join(this.box.home, ".agent-vault");
    mkdirSync(this.home);
    const { key = {} } = given;
    this.env = {
      ...this.box.env,
      AGENT_VAULT_HOME: this.home,
      ...(key.text && { AGENT_VAULT_KEY: readFileSync(keyFile(key.text), "utf8") }),
      ...(key.variable && { AGENT_VAULT_KEY: keyFile(key.variable) }),
      ...Object.fromEntries(
        Object.entries(given.env ?? {}).map(([name, value]) => [name, value.replaceAll(/@(\w+)/g, (_, who: string) => signers[who]!)]),
      ),
    };
    if (key.home) cpSync(keyFile(key.home), join(this.home, "owner.key"));
    if (given.history) cpSync(historyOf(given.history), this.box.root, { recursive: true });
    if (given.vault) lay(this.box.vault, given.vault, given.change);
    if (given.trust) {
      mkdirSync(dirname(this.#trustFile));
      cpSync(join(FIXTURES, "trust", given.trust), this.#trustFile);
    }
  }

  /** Puts a vault on top of the remote's branch; without one the remote is gone. */
  push(vault: string | null, change?: readonly Change[]): void {
    const remote = join(this.box.root, "remote.git");
    if (vault === null) return renameSync(remote, `${remote}.gone`);
    const clone = join(this.box.root, "clone");
    this.box.gitIn(this.box.root, "clone", "--quiet", remote, clone);
    commit(this.box, clone, vault, change);
    this.box.gitIn(clone, "push", "--quiet");
  }

  /** Forgets that something was fetched a moment ago. */
  fetchAgain(): void {
    setLastAsked(this.box.repository);
  }

  /** What the machine remembers: a file of the fixtures, some other bytes, or `null` for nothing. */
  remembered(): string | null {
    const [memory, former] = [join(this.#trustFile.replace(/\.json$/, ""), "memory.json"), this.#trustFile];
    const file = [memory, former].find((candidate) => existsSync(candidate));
    if (file === undefined) return null;
    const text = readFileSync(file, "utf8");
    const known = readdirSync(join(FIXTURES, "trust")).find((name) => {
      const seen = readFileSync(join(FIXTURES, "trust", name), "utf8");
      return seen === text || (file === memory && text.includes(/"lock": "sha256:[0-9a-f]{64}"/.exec(seen)?.[0] ?? "none"));
    });
    return known ?? text;
  }

  get #trustFile(): string {
    const known = JSON.parse(readFileSync(join(FIXTURES, "trust/second.json"), "utf8")) as { readonly vault: string };
    return join(this.home, "trust", `${known.vault}.json`);
  }
}

/** A repository with a history and its remote, made once for all cases that have it. */
function historyOf(history: readonly string[]): string {
  const name = history.join(" ");
  const known = histories.get(name);
  if (known !== undefined) return known;
  const box = new Sandbox({ kept: true });
  for (const vault of history) commit(box, box.repository, vault);
  box.addRemote();
  box.git("remote", "set-url", "origin", "../remote.git");
  rmSync(box.home, { recursive: true });
  histories.set(name, box.root);
  return box.root;
}

const histories = new Map<string, string>();
afterAll(() => {
  for (const folder of histories.values()) rmSync(folder, { recursive: true, force: true });
});

function commit(box: Sandbox, repository: string, vault: string, change?: readonly Change[]): void {
  const root = join(repository, ".agent-vault");
  rmSync(root, { recursive: true, force: true });
  lay(root, vault, change);
  box.gitIn(repository, "add", "--all", "--force");
  box.gitIn(repository, "commit", "--quiet", "--allow-empty", "--message", vault);
}

/** Lays a vault of the fixtures into a folder, and changes it. */
function lay(root: string, vault: string, change: readonly Change[] = []): void {
  for (const folder of foldersOf(vault)) cpSync(folder, root, { recursive: true });
  for (const one of change) applyChange(root, one);
}

function applyChange(root: string, change: Change): void {
  const at = (file: string) => join(root, file);
  if ("write" in change) {
    mkdirSync(dirname(at(change.write)), { recursive: true });
    writeFileSync(at(change.write), change.text ?? Buffer.from(change.base64!, "base64"));
  } else if ("remove" in change) rmSync(at(change.remove), { recursive: true });
  else if ("swap" in change) {
    const [a, b] = change.swap.map((file) => readFileSync(at(file)));
    writeFileSync(at(change.swap[0]), b!);
    writeFileSync(at(change.swap[1]), a!);
  } else if ("link" in change) {
    rmSync(at(change.link), { force: true });
    symlinkSync(change.to, at(change.link));
  } else {
    const found = foldersOf(change.of).findLast((folder) => existsSync(join(folder, change.take)))!;
    writeFileSync(at(change.take), Buffer.concat([readFileSync(join(found, change.take)), Buffer.from(change.append ?? "")]));
  }
}

function foldersOf(vault: string): string[] {
  return vaults[vault]!.map((folder) => join(FIXTURES, "vaults", folder));
}
