import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { addOwner, set, sync, type Context, type SyncRequest } from "#vault/index.js";
import { readSecret } from "#vault/read-only.js";
import { prepared, type Outcome, type Sandbox } from "../support/sandbox.js";
import { makeVault } from "../support/vault.js";

/** A clone of the team's repository, with the home of the person who works in it. */
export interface Member {
  readonly name: string;
  readonly folder: string;
  readonly vault: string;
  readonly home: string;
  context(overrides?: Partial<Context>): Context & { readonly warnings: string[] };
  /** What every change takes. */
  request(): { readonly vault: string };
  sync(request?: SyncRequest): ReturnType<typeof sync>;
  git(...args: string[]): string;
  /** Runs a program in the clone. */
  run(program: string, args: readonly string[], env?: Context["env"]): Promise<Outcome>;
  read(path: string): Promise<string>;
  lock(): string;
}

export interface Team {
  readonly box: Sandbox;
  readonly ana: Member;
  readonly ben: Member;
  readonly remote: string;
}

const vault = prepared(async (box) => {
  await makeVault(box, { "g/p": "first", "h/other": "other" }, { bot: ["g", "h/other"] });
  box.write("app.js", "1\n2\n3\n4\n5\n");
  box.git("add", "app.js");
  box.git("commit", "--quiet", "--message", "Code");
  await addBen(box);
});

/** The second owner, with a home of his own. */
export async function addBen(box: Sandbox): Promise<void> {
  mkdirSync(benHome(box), { recursive: true, mode: 0o700 });
  await addOwner(box.context(), { vault: box.vault, owner: "ben", keyOut: join(benHome(box), "owner.key") });
}

const benHome = (box: Sandbox) => join(box.home, "ben", ".agent-vault");

/** Two owners, each with a clone and a home, and an agent `bot` that reads the group g with the secret g/p, and h/other. */
export async function makeTeam(): Promise<Team> {
  return teamOf(await vault());
}

/** The team around a machine with a vault and both owners' keys, as {@link addBen} makes the second one. */
export function teamOf(box: Sandbox): Team {
  const remote = box.addRemote();
  const folder = join(box.root, "clone-ben");
  box.gitIn(box.root, "clone", "--quiet", remote, folder);
  return {
    box,
    remote,
    ana: memberOf(box, "ana", box.repository, join(box.home, ".agent-vault")),
    ben: memberOf(box, "ben", folder, benHome(box)),
  };
}

/** Sets a text. */
export const store = (member: Member, path: string, value: string) =>
  set(member.context(), { ...member.request(), path, value: new TextEncoder().encode(value) });

export function memberOf(box: Sandbox, name: string, folder: string, home: string): Member {
  const vault = join(folder, ".agent-vault");
  const context = (overrides: Partial<Context> = {}) => box.context({ cwd: folder, home, ...overrides });
  return {
    name,
    folder,
    vault,
    home,
    context,
    request: () => ({ vault }),
    sync: (request) => sync(context(), vault, request),
    git: (...args) => box.gitIn(folder, ...args),
    run: (program, args, env = {}) => box.run(program, args, { cwd: folder, env }),
    read: async (path) => Buffer.from((await readSecret(context(), vault, path, { pull: false })).value).toString(),
    lock: () => readFileSync(join(vault, "vault.lock"), "utf8"),
  };
}
