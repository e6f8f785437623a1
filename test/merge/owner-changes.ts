import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  addAgent,
  addOwner,
  deleteSecret,
  grant,
  move,
  recoverAgent,
  removeAgent,
  removeOwner,
  renew,
  revoke,
  rotateOwner,
  set,
  sign,
  type Context,
} from "#vault/index.js";
import { VaultState } from "#vault/files/vault-state.js";
import type { Decided } from "./decisions.js";
import type { Random } from "./random.js";
import type { Member } from "./team.js";

const GROUPS = ["g", "h", "x"];
const AGENTS = ["bot", "dev", "new"];
export const SECRETS = ["g/p", "g/q", "h/other", "x/s", "x/t"];

/** Something that an owner changes. */
export interface OwnerChange {
  readonly what: string;
  readonly run: (context: Context) => Promise<unknown>;
  readonly decided?: readonly Decided[];
}

type Kind = (member: Member, random: Random) => readonly OwnerChange[];

/** A random change that fits what the vault in a clone says; several where one follows from the other. */
export function randomChange(member: Member, random: Random): readonly OwnerChange[] {
  const kinds: readonly Kind[] = [setValue, setValue, membership, membership, regrant, secret, agent, owner, settings];
  return random.of(kinds)(member, random);
}

const setValue: Kind = (member, random) => {
  const path = random.of(SECRETS);
  const value = new TextEncoder().encode(`${path} ${random.count()}`);
  return [{ what: `set ${path}`, run: (context) => set(context, { ...member.request(), path, value }) }];
};

const membership: Kind = (member, random) => {
  const { manifest } = new VaultState(member.vault);
  const [name, group] = [random.of(AGENTS), random.of(GROUPS)];
  if (!manifest.agents.has(name) || !manifest.groups.has(group)) return [];
  return [grantOrRevoke(member, name, group, manifest.agents.get(name)!.has(group))];
};

/** Removed and granted again, or the other way round. */
const regrant: Kind = (member, random) => {
  const [first] = membership(member, random);
  if (!first) return [];
  const [, name, group] = first.what.split(" ");
  return [first, grantOrRevoke(member, name!, group!, first.what.startsWith("grant"))];
};

function grantOrRevoke(member: Member, name: string, group: string, isIn: boolean): OwnerChange {
  const request = { ...member.request(), agent: name, target: group };
  return {
    what: `${isIn ? "revoke" : "grant"} ${name} ${group}`,
    run: (context) => (isIn ? revoke : grant)(context, request),
    decided: [{ kind: isIn ? "remove" : "add", entry: `${name} ${group}` }],
  };
}

const secret: Kind = (member, random) => {
  const [path, to, group] = [random.of(SECRETS), random.of(SECRETS), random.of(GROUPS)];
  const request = { ...member.request(), path };
  if (!new VaultState(member.vault).hasSecret(path as never)) return [];
  const attributes = { description: String(random.count()), environment: random.of(["dev", "staging"]) };
  const changes: readonly OwnerChange[] = [
    { what: `delete ${path}`, run: (context) => deleteSecret(context, request) },
    { what: `move ${path} ${to}`, run: (context) => move(context, { ...request, from: path, to }) },
    { what: `list ${path} ${group}`, run: (context) => set(context, { ...request, value: undefined, group }) },
    { what: `unlist ${path} ${group}`, run: (context) => set(context, { ...request, value: undefined, removeGroup: group }) },
    { what: `grant bot ${path}`, run: (context) => grant(context, { ...request, agent: "bot", target: path }) },
    { what: `revoke bot ${path}`, run: (context) => revoke(context, { ...request, agent: "bot", target: path }) },
    { what: `describe ${path}`, run: (context) => set(context, { ...request, value: undefined, attributes }) },
  ];
  return [random.of(changes)];
};

const agent: Kind = (member, random) => {
  const name = random.of(AGENTS);
  const request = { ...member.request(), agent: name };
  const keyOut = join(member.folder, "..", `${name}-${random.count()}.key`);
  if (!new VaultState(member.vault).manifest.agents.has(name)) {
    const decided = [{ kind: "add", entry: `agent ${name}` } as const];
    return [{ what: `add-agent ${name}`, run: (context) => addAgent(context, { ...request, keyOut }), decided }];
  }
  if (random.below(2) === 0) return [{ what: `recover-agent ${name}`, run: (context) => recoverAgent(context, { ...request, keyOut }) }];
  const entries = [`agent ${name}`, ...GROUPS.map((group) => `${name} ${group}`)];
  const decided = entries.map((entry) => ({ kind: "remove", entry }) as const);
  return [{ what: `remove-agent ${name}`, run: (context) => removeAgent(context, request), decided }];
};

const owner: Kind = (member, random) => {
  const request = { ...member.request(), owner: "cem" };
  if (random.below(4) === 0) return [{ what: "rotate-owner", run: (context) => rotateOwner(context, member.request()) }];
  const keyOut = join(member.folder, "..", `cem-${random.count()}.key`);
  const isThere = new VaultState(member.vault).owners.some(({ name }) => name === "cem");
  return [
    {
      what: `${isThere ? "remove" : "add"}-owner cem`,
      run: (context) => (isThere ? removeOwner(context, request) : addOwner(context, { ...request, keyOut })),
      decided: [{ kind: isThere ? "remove" : "add", entry: "owner cem" }],
    },
  ];
};

const settings: Kind = (member, random) => {
  const request = member.request();
  const name = `r${random.below(3)}`;
  const rule = `  - { name: ${name}, secrets: ["${random.of(GROUPS)}/*"], allow: { agents: [bot, dev] } }\n`;
  const bytes = 1_000_000 + random.below(1000);
  const edited = (what: string, file: string, edit: (text: string) => string): OwnerChange => ({
    what,
    run: async (context) => {
      const path = join(member.vault, file);
      writeFileSync(path, edit(existsSync(path) ? readFileSync(path, "utf8") : "version: 1\nrules:\n"));
      try {
        await sign(context, { ...request, approve: () => true });
      } catch (error) {
        member.git("reset", "--quiet", "--hard");
        member.git("clean", "--quiet", "--force", "--", ".agent-vault");
        throw error;
      }
    },
  });
  return [
    random.of([
      { what: "renew", run: (context: Context) => renew(context, request) },
      edited("policy", "policy.yaml", (text) => text.replaceAll(new RegExp(`^.*name: ${name},.*\\n`, "gm"), "") + rule),
      edited("config", "config.yaml", (text) => withSetting(text, bytes)),
    ]),
  ];
};

function withSetting(config: string, bytes: number): string {
  const rest = config.replace(/^ {2}max_value_bytes: .*\n/m, "");
  const setting = `settings:\n  max_value_bytes: ${bytes}\n`;
  return /^settings:/m.test(rest) ? rest.replace(/^settings:.*\n/m, setting) : rest + setting;
}
