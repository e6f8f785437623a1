import type { Identity } from "../age/identity.js";
import { runBatch, type Job } from "../age/batch.js";
import { decrypt } from "../age/decrypt.js";
import { encrypt } from "../age/encrypt.js";
import { stanzaTypes } from "../age/header.js";
import { requireUniform, type KeyKind, type Recipient } from "../age/recipient.js";
import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import { escrowFile, metadataFile, secretFile } from "../format/layout.js";
import { withAuthorizedAgents } from "../format/metadata.js";
import { formatSecretPath, type SecretPath } from "../format/names.js";
import type { FileChanges } from "./transaction.js";
import type { VaultState } from "../files/vault-state.js";

/** How the readers of one secret change. */
export interface AccessChange {
  readonly path: SecretPath;
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** Agents whose key is another one than before, so the file must be sealed anew for them. */
  readonly rekeyed: boolean;
}

/**
 * What an edit of the manifest does to the readers of some secrets, and nothing where it does nothing.
 * @param edit changes the manifest in memory
 */
export function changeAccess(state: VaultState, paths: Iterable<SecretPath>, edit: () => void): AccessChange[] {
  const before = new Map([...paths].map((path) => [path, state.agentsOf(path)]));
  edit();
  return [...before].flatMap(([path, agents]) => {
    const after = state.agentsOf(path);
    return sameAgents(agents, after) ? [] : [{ path, before: agents, after, rekeyed: false }];
  });
}

function sameAgents(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((agent, index) => agent === b[index]);
}

/**
 * Adds the secrets whose files are not for just as many recipients as the manifest says: whatever made them so, whoever is taken out
 * must not stay in them. They are encrypted anew.
 * @param changes what an edit of the manifest did; the manifest in memory is the edited one
 */
export function includingOutdated(state: VaultState, paths: Iterable<SecretPath>, changes: readonly AccessChange[]): AccessChange[] {
  const known = new Set(changes.map(({ path }) => path));
  const { owners } = state;
  const drifted = [...paths].filter((path) => {
    if (known.has(path)) return false;
    return !hasRecipients(stanzaTypes(state.ciphertext(path)), owners.length + state.agentsOf(path).length, owners[0]!.recipient.kind);
  });
  return [...changes, ...drifted.map((path) => reencrypted(state, path))];
}

/** A secret that keeps its readers and gets a new file key. */
export function reencrypted(state: VaultState, path: SecretPath): AccessChange {
  const agents = state.agentsOf(path);
  return { path, before: agents, after: agents, rekeyed: true };
}

/** The agents that read a secret after a change and not before, and the other way round. */
export function gainedAndLost({ before, after }: AccessChange): { gained: string[]; lost: string[] } {
  const had = new Set(before);
  const has = new Set(after);
  return { gained: after.filter((agent) => !had.has(agent)), lost: before.filter((agent) => !has.has(agent)) };
}

/**
 * The new files of secrets whose readers change. Who only gains a reader keeps file key and payload and gets a stanza more, if the
 * file has just the stanzas that it should have; in every other case there is a new file key and a new payload.
 * @throws VaultError `DAMAGED`, `NOT_AUTHORIZED`, `MIXED_RECIPIENTS`
 */
export async function reencrypt(
  context: Context,
  state: VaultState,
  owner: Identity,
  changes: readonly AccessChange[],
): Promise<FileChanges> {
  const owners = state.owners.map(({ recipient }) => recipient);
  const sets = new RecipientSets();
  const jobs = changes.map((change): Job => {
    const { path, before, after, rekeyed } = change;
    const { gained, lost } = gainedAndLost(change);
    const file = state.ciphertext(path);
    const name = formatSecretPath(path);
    const recipients = [...owners, ...after.map((agent) => state.agentRecipient(agent))];
    requireUniform(recipients);
    const canAdd = !rekeyed && lost.length === 0 && hasRecipients(stanzaTypes(file), owners.length + before.length, recipients[0]!.kind);
    return canAdd
      ? { kind: "add-recipients", name, file, recipients: sets.indexOf(gained.map((agent) => state.agentRecipient(agent))) }
      : { kind: "re-encrypt", name, file, recipients: sets.indexOf(recipients) };
  });
  const report = (done: number) => context.progress?.({ step: "Sealing secrets", done, total: jobs.length });
  const sealed = await runBatch(jobs, sets.texts, owner, report);
  const files: FileChanges = new Map();
  changes.forEach(({ path, after }, index) => {
    files.set(secretFile(path), sealed[index]!);
    const metadata = state.read(metadataFile(path));
    if (metadata) files.set(metadataFile(path), withAuthorizedAgents(metadata, path, after));
  });
  return files;
}

/**
 * Encrypts every secret, and every agent's escrow, anew to the owners and agents whom the state names now, each with a new file key.
 * @param identities open the present files; at least one should open the new ones
 * @param options.leaving no identity at hand opens the new files, since their only owner here is leaving
 * @param options.without agents whose escrow is to be made from a new key
 * @throws VaultError `DAMAGED`, `NOT_AUTHORIZED`, `MIXED_RECIPIENTS`
 */
export async function resealAll(
  context: Context,
  state: VaultState,
  identities: readonly Identity[],
  { leaving, without }: { leaving: boolean; without: ReadonlySet<string> },
): Promise<FileChanges> {
  const sets = new RecipientSets();
  const targets: string[] = [];
  const jobs: Job[] = [];
  const add = (target: string, name: string, file: Uint8Array, recipients: readonly Recipient[]) => {
    requireUniform(recipients);
    targets.push(target);
    jobs.push({ kind: leaving ? "hand-over" : "re-encrypt", name, file, recipients: sets.indexOf(recipients) });
  };
  for (const path of state.secretPaths()) add(secretFile(path), formatSecretPath(path), state.ciphertext(path), state.recipientsOf(path));
  const owners = state.owners.map(({ recipient }) => recipient);
  for (const agent of state.escrowedAgents()) {
    if (!without.has(agent)) add(escrowFile(agent), `the escrow of ${agent}`, state.read(escrowFile(agent))!, owners);
  }
  const report = (done: number) => context.progress?.({ step: "Sealing secrets", done, total: jobs.length });
  const sealed = await runBatch(jobs, sets.texts, identities, report);
  return new Map(targets.map((target, index) => [target, sealed[index]!]));
}

/** Encrypts a value and decrypts it again before it counts. @throws VaultError `MIXED_RECIPIENTS`, `DAMAGED` */
export async function seal(value: Uint8Array, recipients: readonly Recipient[], owner: Identity): Promise<Uint8Array> {
  const file = await encrypt(value, recipients);
  const again = await decrypt(file, [owner]);
  if (Buffer.compare(again, value) !== 0) {
    throw new VaultError("DAMAGED", "What was encrypted does not decrypt to the same value.", {
      remedy: "Nothing was changed; please report this.",
    });
  }
  return file;
}

/** Whether a file with stanzas of these types is just for so many recipients, all with one kind of key. */
export function hasRecipients(types: readonly string[], count: number, kind: KeyKind): boolean {
  const wanted = kind === "x25519" ? "X25519" : "mlkem768x25519";
  return types.length === count && types.every((type) => type === wanted);
}

/** The different lists of recipients in a batch, each sent to a worker once. */
class RecipientSets {
  readonly texts: string[][] = [];
  readonly #indexes = new Map<string, number>();

  indexOf(recipients: readonly Recipient[]): number {
    const key = recipients.map(({ text }) => text).join();
    let index = this.#indexes.get(key);
    if (index === undefined) {
      index = this.texts.push(recipients.map(({ text }) => text)) - 1;
      this.#indexes.set(key, index);
    }
    return index;
  }
}
