import type { Identity } from "../age/identity.js";
import { runBatch, type ReencryptJob } from "../age/batch.js";
import { stanzaTypes } from "../age/header.js";
import { RecipientSets } from "../age/recipient-sets.js";
import { hasRecipients, requireUniform, type Recipient } from "../age/recipient.js";
import type { Context } from "../context.js";
import { isSameAgents } from "../format/access.js";
import { escrowFile, metadataFile, secretFile, VERSIONS_FOLDER } from "../format/layout.js";
import { withAuthorizedAgents } from "../format/metadata.js";
import { formatSecretPath, type SecretPath } from "../format/names.js";
import type { FileChanges } from "../files/changes.js";
import type { VaultState } from "../files/vault-state.js";

/** How the readers of one secret change. */
export interface AccessChange {
  readonly path: SecretPath;
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** Whether the file gets a new file key in any case, such as for an agent whose key is another one than before. */
  readonly rekeyed: boolean;
}

/**
 * What an edit of the manifest does to the readers of some secrets; secrets whose readers stay the same are left out.
 * @param edit changes the manifest in memory
 */
export function changeAccess(state: VaultState, paths: Iterable<SecretPath>, edit: () => void): AccessChange[] {
  const before = new Map([...paths].map((path) => [path, state.agentsOf(path)]));
  edit();
  return [...before].flatMap(([path, agents]) => {
    const after = state.agentsOf(path);
    // A grant that an agent had in another way changes nothing but their order.
    return isSameAgents(agents, after) ? [] : [{ path, before: agents, after, rekeyed: false }];
  });
}

/**
 * Adds the secrets whose files do not have exactly as many recipients as the manifest says: whatever the reason, an agent that is taken
 * out must not stay in them. They are encrypted again.
 * @param changes what an edit of the manifest did; the manifest in memory is the edited one
 */
export function includingOutdated(state: VaultState, paths: Iterable<SecretPath>, changes: readonly AccessChange[]): AccessChange[] {
  const known = new Set(changes.map(({ path }) => path));
  const { owners } = state;
  const outdated = [...paths].filter((path) => {
    if (known.has(path)) return false;
    return !hasRecipients(stanzaTypes(state.ciphertext(path)), owners.length + state.agentsOf(path).length, owners[0]!.recipient.kind);
  });
  return [...changes, ...outdated.map((path) => reencrypted(state, path))];
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
 * The new files of secrets whose readers change. A secret that only gains readers keeps its file key and payload and gets more stanzas, if
 * the file has exactly the stanzas that it should have; in every other case there is a new file key and a new payload.
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
  const jobs = changes.map((change): ReencryptJob => {
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
  const report = (done: number) => context.progress?.({ step: "Encrypting secrets", done, total: jobs.length });
  const encrypted = await runBatch(jobs, sets.texts, owner, report);
  const files: FileChanges = new Map();
  changes.forEach(({ path, after }, index) => {
    files.set(secretFile(path), encrypted[index]!);
    const metadata = state.read(metadataFile(path));
    if (metadata) files.set(metadataFile(path), withAuthorizedAgents(metadata, path, after));
  });
  return files;
}

/**
 * Encrypts every secret, every agent's escrow and every kept version, to the owners and agents whom the state names now, each with a new file key.
 * @param identities open the present files; at least one should open the new ones
 * @param options.leaving whether none of the identities opens the new files, since the owner who makes the change is leaving
 * @param options.without agents whose escrow the caller makes from a new key
 * @throws VaultError `DAMAGED`, `NOT_AUTHORIZED`, `MIXED_RECIPIENTS`
 */
export async function reencryptAll(
  context: Context,
  state: VaultState,
  identities: readonly Identity[],
  { leaving, without }: { leaving: boolean; without: ReadonlySet<string> },
): Promise<FileChanges> {
  const sets = new RecipientSets();
  const targets: string[] = [];
  const jobs: ReencryptJob[] = [];
  const add = (target: string, name: string, file: Uint8Array, recipients: readonly Recipient[]) => {
    requireUniform(recipients);
    targets.push(target);
    jobs.push({ kind: leaving ? "encrypt-for-others" : "re-encrypt", name, file, recipients: sets.indexOf(recipients) });
  };
  for (const path of state.secretPaths()) add(secretFile(path), formatSecretPath(path), state.ciphertext(path), state.recipientsOf(path));
  const owners = state.owners.map(({ recipient }) => recipient);
  for (const agent of state.escrowedAgents()) {
    if (!without.has(agent)) add(escrowFile(agent), `the escrow of ${agent}`, state.read(escrowFile(agent))!, owners);
  }
  for (const file of state.filesBelow(VERSIONS_FOLDER)) add(file, file, state.read(file)!, owners);
  const report = (done: number) => context.progress?.({ step: "Encrypting secrets", done, total: jobs.length });
  const encrypted = await runBatch(jobs, sets.texts, identities, report);
  return new Map(targets.map((target, index) => [target, encrypted[index]!]));
}
