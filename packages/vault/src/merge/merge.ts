import { agentsOf } from "../format/access.js";
import { Config } from "../format/config.js";
import type { FileChanges } from "../files/changes.js";
import { CONFIG_FILE, escrowFile, MANIFEST_FILE, metadataFile, publicKeyFile, secretFile, versionFile } from "../format/layout.js";
import type { Manifest } from "../format/manifest.js";
import { formatSecretPath, type SecretPath } from "../format/names.js";
import type { LockOwner } from "../lock/lock.js";
import { andMore } from "../text/counts.js";
import { mergeAccess } from "./access.js";
import { mergeConfig } from "./config.js";
import { mergeManifest } from "./manifest.js";
import { mergeMetadata } from "./metadata.js";
import { eachSide, inOrder, type MergeInput, type SideIndex, type Sided } from "./merge-input.js";
import { mergeMoves, otherSide, type MovedPaths } from "./moves.js";
import { mergeOtherFiles, mergeVersions } from "./other-files.js";
import { mergePeople, type MergedPeople } from "./people.js";
import { Dialog, type MergeNote, type Question } from "./questions.js";
import { fileFor, fileForOwners, writersOf, type Encryption, type FileOrigin } from "./recipients.js";
import { mergeSecrets, type MergedSecret } from "./secrets.js";
import { requireNoTwinFiles, settleTwins } from "./twins.js";

/** A value that was not chosen and becomes a version for the owners alone. */
export interface KeptVersion {
  /** In the result, below `versions/`. */
  readonly file: string;
  readonly name: string;
  readonly from: { readonly side: SideIndex; readonly file: string };
}

/** Two states as one. What is asked for must be answered, and what is to be encrypted be encrypted, before it is signed. */
export interface Merged {
  /** All files of the result but the lock, its signature and what they bring along; the digests in `config.yaml` are those of a side. */
  readonly files: ReadonlyMap<string, FileOrigin>;
  readonly encryptions: readonly Encryption[];
  readonly kept: readonly KeptVersion[];
  /** The owners' recipients, which kept versions are encrypted to. */
  readonly owners: readonly string[];
  /** Who may sign the next state. */
  readonly signers: readonly LockOwner[];
  readonly questions: readonly Question[];
  readonly notes: readonly MergeNote[];
  /** Secrets whose files both sides encrypted, by their path in the result, with their files on each side: a key tells whether the values are equal. */
  readonly comparable: ReadonlyMap<SecretPath, Sided<string>>;
}

/**
 * Merges two states by what they mean, as docs/merging.md says row by row. It reads nothing but the states, and is the same function of them
 * for everyone: the sides come in the order of their digests.
 * @throws VaultError `WRONG_VAULT`, `CONFLICT` where no owner would be left, or names differ in upper and lower case only, and what the states' files throw when they are read
 */
export function mergeStates(given: MergeInput): Merged {
  const input = inOrder(given);
  const dialog = new Dialog(input);
  if (!input.bases.isComplete) askAboutBase(dialog);
  const moved = mergeMoves(input, dialog);
  const { secrets, comparable } = mergeSecrets(input, moved, dialog);
  settleTwins(input, secrets, dialog);
  const access = mergeAccess(input, moved, secrets, dialog);
  const people = mergePeople(input, access, dialog);
  const left = sideLeftOut(input, people, dialog);
  if (left !== undefined) return wholeSide(input, otherSide(left), dialog);
  const manifest = mergeManifest(input, access, people.owners, dialog);
  const owners = people.owners.map(({ recipient }) => recipient);

  const files = new Map<string, FileOrigin>(mergeOtherFiles(input, dialog));
  const encryptions: Encryption[] = [];
  const take = (file: string, made: { origin: FileOrigin; encryption: Encryption | undefined }) => {
    files.set(file, made.origin);
    if (made.encryption) encryptions.push(made.encryption);
  };
  const config = mergeConfig(input, dialog);
  files.set(CONFIG_FILE, { bytes: config });
  files.set(MANIFEST_FILE, { bytes: manifest.toBytes() });
  for (const { file, recipient } of people.owners) files.set(file, ownerFileOf(input, file, recipient));
  for (const [name, { sides, recipient }] of people.agents) {
    const at = sides.find((side) => input.sides[side].digests.has(publicKeyFile(name)));
    if (at !== undefined && recipient !== undefined) files.set(publicKeyFile(name), { side: at, file: publicKeyFile(name) });
    const escrow = escrowFile(name);
    const own = ([0, 1] as const).map((side) => (sides.includes(side) && input.sides[side].digests.has(escrow) ? escrow : undefined));
    const bases = input.bases.states.flatMap((state) => (state.digests.has(escrow) ? [{ state, file: escrow }] : []));
    if (own.some(Boolean))
      take(escrow, fileForOwners(input, { file: escrow, name: `the escrow of ${name}` }, [own[0], own[1]], { owners, bases }));
  }
  const readers = new ReadersOf(manifest, people);
  for (const secret of secrets.values()) {
    const { path } = secret;
    const recipients = readers.recipients(path);
    const made = secretFor(input, moved, secret, recipients);
    take(secretFile(path), made);
    const valueSide = "side" in made.origin ? made.origin.side : 0;
    const facts = { secret, valueSide, agents: readers.agents(path), groups: manifest.groupsOf(path) };
    const metadata = mergeMetadata(input, moved, facts, dialog);
    if (metadata) files.set(metadataFile(path), metadata);
    noteOwed(input, secret, new Set(recipients), people, dialog);
  }
  const kept = [...secrets.values()].flatMap((secret) => keptVersions(input, secret));
  const limit = { added: kept.map(({ file }) => file), keep: Config.parse(config).settings.keep_versions };
  const versions = mergeVersions(input, moved, secrets, owners, limit);
  for (const [file, origin] of versions.files) files.set(file, origin);
  requireNoTwinFiles(input, files.keys());
  return {
    files,
    encryptions: [...encryptions, ...versions.encryptions],
    kept,
    owners,
    signers: people.signers,
    questions: dialog.questions,
    notes: joinOwed(dialog.notes),
    comparable: new Map(comparable.map((path) => [path, eachSide(secrets.get(path)!.own, (own) => secretFile(own!))])),
  };
}

/** Without the state that both go back to, nobody can tell what was added from what was removed. */
function askAboutBase(dialog: Dialog): void {
  const text = "keep only the access that both sides give, and all secrets of both";
  dialog.ask("base", "the state that both sides go back to is not here", [text, text]);
}

/** The changes of an owner whom the other side has removed count only where a person says so. */
function sideLeftOut({ sides }: MergeInput, { owners }: MergedPeople, dialog: Dialog): SideIndex | undefined {
  const left = new Set(owners.map(({ name }) => name));
  for (const side of [0, 1] as const) {
    const { signer, lock } = sides[side].signed;
    const name = lock.owners.find(({ key }) => key === signer)?.name;
    if (name === undefined || left.has(name)) continue;
    const other = otherSide(side);
    const texts: [string, string] = ["", ""];
    texts[side] = `take over what ${name} has changed since, though ${name} is removed`;
    texts[other] = `leave out what ${name} has changed since`;
    if (dialog.ask("removed-owner", name, texts, other) === other) return side;
  }
  return undefined;
}

/** One side as it is, with both as its parents. */
function wholeSide({ sides }: MergeInput, side: SideIndex, { questions, notes }: Dialog): Merged {
  const state = sides[side];
  const isMade = (file: string) => file === "vault.states" || file.startsWith("signers/");
  const names = [...state.digests.keys(), ...state.strays.keys()].filter((file) => !isMade(file));
  return {
    files: new Map(names.map((file) => [file, { side, file }])),
    encryptions: [],
    kept: [],
    owners: [...state.owners()],
    signers: state.signed.lock.owners,
    questions: questions.filter(({ kind }) => kind === "removed-owner"),
    notes: notes.filter(({ kind }) => kind !== "kept" && kind !== "owed"),
    comparable: new Map(),
  };
}

/** Who reads each secret of the result. */
class ReadersOf {
  readonly #manifest: Manifest;
  readonly #people: MergedPeople;

  constructor(manifest: Manifest, people: MergedPeople) {
    this.#manifest = manifest;
    this.#people = people;
  }

  agents(path: SecretPath): readonly string[] {
    return agentsOf(this.#manifest, path);
  }

  recipients(path: SecretPath): string[] {
    const { owners, agents } = this.#people;
    return [...owners.map(({ recipient }) => recipient), ...this.agents(path).flatMap((agent) => agents.get(agent)?.recipient ?? [])];
  }
}

/** The file of a secret, from a side that has its value. */
function secretFor(
  input: MergeInput,
  moved: MovedPaths,
  { path, own, values }: MergedSecret,
  recipients: readonly string[],
): ReturnType<typeof fileFor> {
  const files = eachSide(own, (at) => at && secretFile(at));
  const bases = moved.bases.flatMap((view) => {
    const at = view.ownOf(path);
    return at === undefined ? [] : [{ state: view.state, file: secretFile(at) }];
  });
  const about = { file: secretFile(path), name: formatSecretPath(path), recipients };
  const readers = (side: SideIndex) => input.sides[side].recipients(own[side]!);
  const ofValue = eachSide(files, (file, side) => (values.includes(side) ? file : undefined));
  return fileFor(input, about, ofValue, { bases, wrote: writersOf(input, files, bases), readers });
}

function ownerFileOf({ sides }: MergeInput, file: string, recipient: string): FileOrigin {
  const bytes = new TextEncoder().encode(recipient);
  for (const side of [0, 1] as const) {
    const present = sides[side].read(file);
    if (present && new TextDecoder().decode(present).trim() === recipient) return { side, file };
  }
  return { bytes };
}

function keptVersions({ sides }: MergeInput, { path, kept }: MergedSecret): KeptVersion[] {
  const files = new Set<string>();
  return kept.map(({ side, own, version }) => {
    let number = version;
    const fileOf = () => versionFile(path, number, sides[side].digest);
    while (files.has(fileOf())) number += 1;
    files.add(fileOf());
    return { file: fileOf(), name: formatSecretPath(path), from: { side, file: secretFile(own) } };
  });
}

/** A value that was set while its reader lost access lies in git's history, readable with that reader's key. */
function noteOwed(input: MergeInput, secret: MergedSecret, recipients: ReadonlySet<string>, people: MergedPeople, dialog: Dialog): void {
  for (const side of secret.values.filter((side) => secret.setters.includes(side))) {
    const state = input.sides[side];
    const { vault } = state;
    const own = secret.own[side]!;
    const holders = [
      ...vault.owners.map(({ name, recipient }) => ({ kind: "owner", name, key: recipient.text })),
      ...vault.agentsOf(own).map((name) => ({ kind: "agent", name, key: vault.agentRecipient(name).text })),
    ];
    for (const { kind, name, key } of holders) {
      if (recipients.has(key)) continue;
      const isThere = kind === "agent" ? people.agents.has(name) : people.owners.some((owner) => owner.name === name);
      const isFormerKey = isThere && ![...people.agents.values(), ...people.owners].some(({ recipient }) => recipient === key);
      dialog.note({
        kind: "owed",
        subject: `${isFormerKey ? "the former key of " : ""}${kind} ${name}`,
        text: "",
        secrets: [formatSecretPath(secret.path)],
      });
    }
  }
}

/** One note for each reader, with all secrets. */
function joinOwed(notes: readonly MergeNote[]): MergeNote[] {
  const owed = new Map<string, Set<string>>();
  for (const { kind, subject, secrets = [] } of notes) {
    if (kind !== "owed") continue;
    const all = owed.get(subject) ?? new Set();
    for (const secret of secrets) all.add(secret);
    owed.set(subject, all);
  }
  const joined = [...owed].map(([subject, all]): MergeNote => {
    const secrets = [...all].toSorted();
    const text = `${subject} may have read new values that were set before the other side's removal was known, so rotate them at the source: ${andMore(secrets, 10)}`;
    return { kind: "owed", subject, text, secrets };
  });
  return [...notes.filter(({ kind }) => kind !== "owed"), ...joined];
}

/** The bytes of the result's files, relative to one side: what the driver and a commit need. @param side whose files are in place */
export function changesFrom(given: MergeInput, { files }: Merged, side: SideIndex): FileChanges {
  const { sides } = inOrder(given);
  const changes: FileChanges = new Map();
  const own = sides[side].digests;
  for (const [file, origin] of files) {
    if ("bytes" in origin) changes.set(file, origin.bytes);
    else if (origin.side === side && origin.file === file) continue;
    else if (!own.has(file) || own.get(file) !== sides[origin.side].digests.get(origin.file))
      changes.set(file, sides[origin.side].vault.source.read(origin.file) ?? null);
  }
  const isMade = (file: string) => file === "vault.states" || file.startsWith("signers/");
  for (const file of [...sides[side].digests.keys(), ...sides[side].strays.keys()])
    if (!files.has(file) && !isMade(file)) changes.set(file, null);
  return changes;
}
