import type { VaultState } from "../files/vault-state.js";
import { FIRST_OWNER_FILE, MANIFEST_FILE, metadataFile, publicKeyFile } from "../format/layout.js";
import { formatSecretPath, type SecretPath } from "../format/names.js";
import { andMore, plural } from "../text/counts.js";
import { named, sortedUnion } from "./change.js";
import type { Pair, Side } from "./pair.js";

const MAX_NAMES = 50;

/** What an agent can read in one of two states and not in the other; secrets as they are shown. */
export interface AccessChange {
  readonly agent: string;
  readonly gains: readonly string[];
  readonly loses: readonly string[];
}

/** A recipient (`age1...`) that was added, removed or replaced: the holder of its key reads as that owner or agent. */
export interface RecipientChange {
  readonly kind: "owner" | "agent";
  readonly name: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** Who gains and loses which secrets; nothing where one of the manifests cannot be read. */
export function compareAccess(pair: Pair): AccessChange[] {
  const before = pair.before ? readersOf(pair, "before", pair.before) : new Map<string, Set<string>>();
  const after = readersOf(pair, "after", pair.after);
  if (!before || !after) return [];
  const found = sortedUnion(before.keys(), after.keys()).flatMap((agent) => {
    const [had, has] = [before.get(agent) ?? new Set<string>(), after.get(agent) ?? new Set<string>()];
    const [gains, loses] = [[...has].filter((secret) => !had.has(secret)), [...had].filter((secret) => !has.has(secret))];
    return gains.length + loses.length > 0 ? [{ agent, gains, loses }] : [];
  });
  const words = (agent: string, verb: string, secrets: readonly string[]) =>
    `agent ${named(agent)} ${verb} access to ${plural(secrets.length, "secret")}: ${andMore(secrets, MAX_NAMES)}`;
  for (const { agent, gains, loses } of found) {
    if (gains.length > 0) pair.add({ kind: "access", subject: agent, widens: true, text: words(agent, "gains", gains) }, MANIFEST_FILE);
    if (loses.length > 0) pair.add({ kind: "access", subject: agent, widens: false, text: words(agent, "loses", loses) }, MANIFEST_FILE);
  }
  return found;
}

/** Owners and agents whose keys were added, removed or replaced. */
export function compareRecipients(pair: Pair): RecipientChange[] {
  const owners = [pair.before ? ownersOf(pair, "before", pair.before) : [], ownersOf(pair, "after", pair.after)];
  const agents = [pair.before ? agentsOf(pair, "before", pair.before) : [], agentsOf(pair, "after", pair.after)];
  return [...compareHolders(pair, owners), ...compareHolders(pair, agents)];
}

/** @param sides the holders before and after, `undefined` where they cannot be read */
function compareHolders(pair: Pair, [holdersBefore, holdersAfter]: readonly (readonly Holder[] | undefined)[]): RecipientChange[] {
  if (!holdersBefore || !holdersAfter) return [];
  const [before, after] = [byName(holdersBefore), byName(holdersAfter)];
  return sortedUnion(before.keys(), after.keys()).flatMap((key) => {
    const [old, now] = [before.get(key), after.get(key)];
    const { kind, name } = (now ?? old)!;
    const files = [old, now].flatMap((holder) => holder?.file ?? []);
    // What cannot be read is told already, and is neither no key nor a new one.
    if ((old && old.recipient === undefined) || (now && now.recipient === undefined)) return [];
    if (old && now && old.recipient === now.recipient) {
      const text = `the key of ${kind} ${named(name)} is in ${now.file} instead of ${old.file}`;
      if (old.file !== now.file) pair.add({ kind: "recipient", subject: name, widens: false, text }, ...files);
      return [];
    }
    const change = { kind, name, before: old?.recipient, after: now?.recipient };
    const widens = now !== undefined;
    pair.add(
      { kind: "recipient", subject: name, widens, text: recipientWords(change), before: change.before, after: change.after },
      ...files,
    );
    return [change];
  });
}

function recipientWords({ kind, name: plain, before, after }: RecipientChange): string {
  const name = named(plain);
  if (before === undefined) return `new ${kind} ${name} with the key ${after}`;
  return after === undefined ? `${kind} ${name} was removed` : `${kind} ${name} has a different key: ${after} instead of ${before}`;
}

/** The secrets of each agent. */
function readersOf(pair: Pair, side: Side, state: VaultState): Map<string, Set<string>> | undefined {
  const manifest = pair.tryRead(side, MANIFEST_FILE, () => state.manifest);
  if (!manifest) return undefined;
  const found = new Map<string, Set<string>>();
  for (const path of pair.secretPaths(side)) {
    for (const agent of agentsReading(pair, side, state, path)) {
      const secrets = found.get(agent) ?? new Set();
      found.set(agent, secrets.add(formatSecretPath(path)));
    }
  }
  return found;
}

/** A manifest of agent-vault 0.1 leaves agents beyond the groups to the metadata, which may be unreadable. */
function agentsReading(pair: Pair, side: Side, state: VaultState, path: SecretPath): readonly string[] {
  return pair.tryRead(side, metadataFile(path), () => state.agentsOf(path)) ?? [];
}

interface Holder {
  readonly kind: "owner" | "agent";
  readonly name: string;
  readonly file: string;
  /** `undefined` where it cannot be read. */
  readonly recipient: string | undefined;
}

function ownersOf(pair: Pair, side: Side, state: VaultState): Holder[] | undefined {
  if (!pair.tryRead(side, MANIFEST_FILE, () => state.manifest)) return undefined;
  return pair.tryRead(side, FIRST_OWNER_FILE, () =>
    state.owners.map(({ name, recipient }, index) => {
      const file = state.manifest.owners[index]?.file ?? FIRST_OWNER_FILE;
      return { kind: "owner" as const, name, file, recipient: recipient.text };
    }),
  );
}

function agentsOf(pair: Pair, side: Side, state: VaultState): Holder[] | undefined {
  const manifest = pair.tryRead(side, MANIFEST_FILE, () => state.manifest);
  return (
    manifest &&
    [...manifest.agents.keys()].map((name) => {
      const file = publicKeyFile(name);
      return { kind: "agent", name, file, recipient: pair.tryRead(side, file, () => state.agentRecipient(name).text) };
    })
  );
}

/** Nothing keeps two owners from having one name. */
function byName(holders: readonly Holder[]): Map<string, Holder> {
  const found = new Map<string, Holder>();
  for (const holder of holders) {
    let key = holder.name;
    for (let count = 2; found.has(key); count++) key = `${holder.name} ${count}`;
    found.set(key, holder);
  }
  return found;
}
