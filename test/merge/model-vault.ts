import { createHash } from "node:crypto";
import { bech32 } from "@scure/base";
import { VaultState } from "#vault/files/vault-state.js";
import { agentsOf } from "#vault/format/access.js";
import { Config } from "#vault/format/config.js";
import type { FileSource } from "#vault/format/file-source.js";
import { escrowFile, FIRST_OWNER_FILE, metadataFile, ownerFile, publicKeyFile, secretFile } from "#vault/format/layout.js";
import { Manifest } from "#vault/format/manifest.js";
import { changeMetadata, createMetadata, parseMetadata, type MetadataChange } from "#vault/format/metadata.js";
import { defaultGroupOf, parseSecretPath, type SecretPath } from "#vault/format/names.js";
import { digestOf, type Digest } from "#vault/lock/digest.js";
import type { Lock, LockOwner } from "#vault/lock/lock.js";
import { digestsIn } from "#vault/lock/signed-files.js";
import type { Bases, MergeInput } from "#vault/merge/merge-input.js";
import { MergeState } from "#vault/merge/merge-state.js";
import { mergeStates, type Merged } from "#vault/merge/merge.js";
import { inOrder } from "#vault/merge/merge-input.js";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** A ciphertext that shows what it would hide: the value, the file key, and whom it is encrypted to. */
export interface ModelCiphertext {
  readonly value: string;
  readonly fileKey: string;
  readonly to: readonly string[];
}

/** As an age file has them: recipients in its header, and the rest in its payload. */
function seal({ to, ...payload }: ModelCiphertext): Uint8Array {
  return encode(`age-encryption.org/v1\n${to.map((recipient) => `-> X25519 ${recipient}\n`).join("")}--- \n${JSON.stringify(payload)}`);
}

/** What a ciphertext of this model shows. */
export function unseal(file: Uint8Array | string): ModelCiphertext {
  const text = typeof file === "string" ? file : decode(file);
  const lines = text.split("\n");
  const to = lines.filter((line) => line.startsWith("-> ")).map((line) => line.slice("-> X25519 ".length));
  return { ...(JSON.parse(lines.at(-1)!) as Pick<ModelCiphertext, "value" | "fileKey">), to };
}

/** The recipient of a key by its name: each name has one key, and `bot#2` is another one than `bot#1`. */
export function keyOf(name: string): string {
  return bech32.encode("age", bech32.toWords(createHash("sha256").update(name).digest()), false).toLowerCase();
}

const signingKeyOf = (recipient: string): LockOwner["key"] => `ssh-ed25519 ${recipient}` as LockOwner["key"];

/** Gives what a test needs of randomness: the same in each run. */
export class Source {
  #count: number;

  constructor(start = 0) {
    this.#count = start;
  }

  next(): string {
    this.#count += 1;
    return createHash("sha256").update(`random ${this.#count}`).digest("hex").slice(0, 32);
  }
}

/** A state of a vault in memory, with the operations of an owner. Each gives a new state that follows this one. */
export class ModelVault {
  readonly source: Source;
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly parents: readonly ModelVault[];
  readonly signer: string;
  readonly signedAt: Date;
  readonly signers: readonly LockOwner[];
  readonly merged: MergeState;

  constructor(
    source: Source,
    files: ReadonlyMap<string, Uint8Array>,
    parents: readonly ModelVault[],
    { signer, signedAt, signers }: { signer: string; signedAt: Date; signers: readonly LockOwner[] },
  ) {
    this.source = source;
    this.files = files;
    this.parents = parents;
    this.signer = signer;
    this.signedAt = signedAt;
    this.signers = signers;
    this.merged = this.#asMergeState();
  }

  static create(owner = "ana"): ModelVault {
    const source = new Source();
    const key = keyOf(`${owner}#1`);
    const files = new Map([
      ["config.yaml", Config.create("0a0a0a0a-0000-4000-8000-000000000000").toBytes()],
      ["manifest.yaml", Manifest.create(owner).toBytes()],
      [FIRST_OWNER_FILE, encode(key)],
    ]);
    const signers = [{ name: owner, key: signingKeyOf(key) }];
    return new ModelVault(source, files, [], { signer: owner, signedAt: new Date("2026-01-01T00:00:00Z"), signers });
  }

  /** The same state, with random numbers that are the same each time from here on. */
  again(): ModelVault {
    return new ModelVault(new Source(1000), this.files, [], { signer: this.signer, signedAt: this.signedAt, signers: this.signers });
  }

  get state(): VaultState {
    return this.merged.vault;
  }

  get digest(): Digest {
    return this.merged.digest;
  }

  /** All states behind this one. */
  behind(): Set<ModelVault> {
    const found = new Set<ModelVault>();
    const left = [...this.parents];
    for (let next = left.pop(); next; next = left.pop()) {
      if (found.has(next)) continue;
      found.add(next);
      left.push(...next.parents);
    }
    return found;
  }

  secrets(): string[] {
    return [...this.merged.secrets].toSorted();
  }

  ciphertext(path: string): ModelCiphertext {
    return unseal(this.files.get(secretFile(parseSecretPath(path)))!);
  }

  /** The value of a secret. */
  value(path: string): string | undefined {
    const file = this.files.get(secretFile(parseSecretPath(path)));
    return file && unseal(file).value;
  }

  metadata(path: string) {
    const at = parseSecretPath(path);
    return parseMetadata(this.files.get(metadataFile(at))!, at);
  }

  /** The agents that read a secret, sorted. */
  readers(path: string): string[] {
    return agentsOf(this.state.manifest, parseSecretPath(path)).toSorted();
  }

  /** Kept values, by their files. */
  versions(): Record<string, string> {
    const found = [...this.files].filter(([file]) => file.startsWith("versions/"));
    return Object.fromEntries(found.map(([file, bytes]) => [file, unseal(bytes).value]));
  }

  text(file: string): string | undefined {
    const bytes = this.files.get(file);
    return bytes && decode(bytes);
  }

  /** The next state: with another signer, later, or both. */
  by(signer: string): ModelVault {
    return this.#next(new Map(this.files), this.signers, signer);
  }

  set(name: string, value: string, { group }: { group?: string } = {}): ModelVault {
    return this.#edit((manifest, files) => {
      const path = parseSecretPath(name);
      if (group !== undefined || manifest.groupsOf(path).length === 0) manifest.listSecret(group ?? defaultGroupOf(path), path);
      const present = files.get(metadataFile(path));
      const rotated = new Date(this.#later().getTime()).toISOString();
      const version = present ? (parseMetadata(present, path).version ?? 1) + 1 : 1;
      const id = this.source.next();
      files.set(
        metadataFile(path),
        present
          ? changeMetadata(present, path, { rotated, version })
          : createMetadata(path, { group: manifest.groupsOf(path)[0]!, created: rotated, rotated, id, version }),
      );
      files.set(secretFile(path), seal({ value, fileKey: this.source.next(), to: [] }));
    });
  }

  delete(name: string): ModelVault {
    return this.#edit((manifest, files) => {
      const path = parseSecretPath(name);
      manifest.removeSecret(path);
      for (const file of files.keys()) if (file.startsWith(`versions/${path}/`)) files.delete(file);
      files.delete(secretFile(path));
      files.delete(metadataFile(path));
    });
  }

  move(from: string, to: string): ModelVault {
    return this.#edit((manifest, files) => {
      const [old, now] = [parseSecretPath(from), parseSecretPath(to)];
      const groups = manifest.groupsOf(old).map((group) => (group === defaultGroupOf(old) ? defaultGroupOf(now) : group));
      const extra = manifest.extraAgents.get(old) ?? [];
      manifest.unlistSecret(old);
      for (const group of groups) manifest.listSecret(group, now);
      for (const agent of extra) manifest.addExtraAgent(now, agent);
      files.set(secretFile(now), files.get(secretFile(old))!);
      files.set(metadataFile(now), changeMetadata(files.get(metadataFile(old))!, old, { name: to }));
      files.delete(secretFile(old));
      files.delete(metadataFile(old));
      for (const [file, bytes] of files) {
        if (!file.startsWith(`versions/${old}/`)) continue;
        files.delete(file);
        files.set(file.replace(`versions/${old}/`, `versions/${now}/`), bytes);
      }
    });
  }

  describe(name: string, change: MetadataChange): ModelVault {
    const path = parseSecretPath(name);
    return this.#edit((_, files) => void files.set(metadataFile(path), changeMetadata(files.get(metadataFile(path))!, path, change)));
  }

  grant(agent: string, target: string): ModelVault {
    return this.#edit((manifest) => {
      if (target.includes("/")) manifest.addExtraAgent(parseSecretPath(target), agent);
      else manifest.joinGroup(agent, target);
    });
  }

  revoke(agent: string, target: string): ModelVault {
    return this.#edit((manifest) => {
      if (target.includes("/")) manifest.removeExtraAgent(parseSecretPath(target), agent);
      else manifest.leaveGroup(agent, target);
    });
  }

  unlist(name: string, group: string): ModelVault {
    return this.#edit((manifest) => manifest.unlistFrom(group, parseSecretPath(name)));
  }

  list(name: string, group: string): ModelVault {
    return this.#edit((manifest) => manifest.listSecret(group, parseSecretPath(name)));
  }

  /** @param key the name of its key; each call with another name gives it another one */
  addAgent(agent: string, key = `${agent}#1`): ModelVault {
    return this.#edit((manifest, files) => {
      manifest.addAgent(agent);
      this.#giveKey(files, agent, key);
    });
  }

  removeAgent(agent: string): ModelVault {
    return this.#edit((manifest, files) => {
      manifest.removeAgent(agent);
      files.delete(publicKeyFile(agent));
      files.delete(escrowFile(agent));
    });
  }

  recoverAgent(agent: string, key: string): ModelVault {
    return this.#edit((_, files) => this.#giveKey(files, agent, key));
  }

  addOwner(name: string, key = `${name}#1`): ModelVault {
    const recipient = keyOf(key);
    const edit = (manifest: Manifest, files: Map<string, Uint8Array>) => {
      manifest.setOwners([...manifest.owners, { name, file: ownerFile(name) }]);
      files.set(ownerFile(name), encode(recipient));
    };
    return this.#edit(edit, [...this.signers, { name, key: signingKeyOf(recipient) }]);
  }

  removeOwner(name: string): ModelVault {
    const edit = (manifest: Manifest, files: Map<string, Uint8Array>) => {
      const recipients = this.state.owners.filter((owner) => owner.name !== name);
      for (const { file } of manifest.owners) files.delete(file);
      const entries = recipients.map((owner, index) => ({
        name: owner.name,
        file: index === 0 ? FIRST_OWNER_FILE : ownerFile(owner.name),
      }));
      manifest.setOwners(entries);
      entries.forEach(({ file }, index) => files.set(file, encode(recipients[index]!.recipient.text)));
    };
    return this.#edit(
      edit,
      this.signers.filter((owner) => owner.name !== name),
    );
  }

  rotateOwner(name: string, key: string): ModelVault {
    const recipient = keyOf(key);
    const edit = (manifest: Manifest, files: Map<string, Uint8Array>) =>
      void files.set(manifest.owners.find((owner) => owner.name === name)!.file, encode(recipient));
    return this.#edit(
      edit,
      this.signers.map((owner) => (owner.name === name ? { name, key: signingKeyOf(recipient) } : owner)),
    );
  }

  write(file: string, text: string | undefined): ModelVault {
    const files = new Map(this.files);
    if (text === undefined) files.delete(file);
    else files.set(file, encode(text));
    return this.#next(files, this.signers, this.signer);
  }

  /** As agent-vault 0.2.0 edits: nothing is remembered of what it removes. */
  by020(edit: (manifest: Manifest, files: Map<string, Uint8Array>) => void): ModelVault {
    return this.#edit(edit, this.signers, false);
  }

  #giveKey(files: Map<string, Uint8Array>, agent: string, key: string): void {
    files.set(publicKeyFile(agent), encode(keyOf(key)));
    files.set(escrowFile(agent), seal({ value: `identity of ${key}`, fileKey: this.source.next(), to: [] }));
  }

  #edit(
    edit: (manifest: Manifest, files: Map<string, Uint8Array>) => void,
    signers: readonly LockOwner[] = this.signers,
    remembers = true,
  ): ModelVault {
    const files = new Map(this.files);
    const manifest = Manifest.parse(files.get("manifest.yaml")!);
    edit(manifest, files);
    if (remembers) manifest.rememberRemovals(() => this.source.next());
    files.set("manifest.yaml", manifest.toBytes());
    return this.#next(encryptAll(this.source, files), signers, this.signer);
  }

  #next(files: ReadonlyMap<string, Uint8Array>, signers: readonly LockOwner[], signer: string): ModelVault {
    return new ModelVault(this.source, files, [this], { signer, signedAt: this.#later(), signers });
  }

  #later(): Date {
    return new Date(this.signedAt.getTime() + 1000);
  }

  #asMergeState(): MergeState {
    const files = sourceOf(this.files);
    const digests = digestsIn(files);
    const owners = this.signers;
    const lock: Lock = {
      vault: "0a0a0a0a-0000-4000-8000-000000000000",
      sequence: 1 + Math.max(0, ...this.parents.map((parent) => parent.merged.signed.lock.sequence)),
      signedAt: this.signedAt,
      validUntil: undefined,
      previous: this.parents.map(({ digest }) => digest),
      owners,
      files: digests,
      trees: new Map(),
      audit: new Map(),
    };
    const digest = digestOf(JSON.stringify([[...digests].map(String).toSorted(), lock.previous.toSorted(), this.signedAt]));
    const signer = owners.find(({ name }) => name === this.signer)?.key ?? signingKeyOf(keyOf(`${this.signer}#1`));
    return new MergeState({ lock, digest, signer, signature: new Uint8Array() }, new VaultState(files), digests);
  }
}

/** Encrypts what has other readers than the manifest says: to more of them with the same file key, and after a removal with a new one. */
function encryptAll(source: Source, files: Map<string, Uint8Array>): Map<string, Uint8Array> {
  const state = new VaultState(sourceOf(files));
  const owners = state.owners.map(({ recipient }) => recipient.text);
  const encryptTo = (file: string, wanted: readonly string[]) => {
    const present = unseal(files.get(file)!);
    if (present.to.length === wanted.length && present.to.every((recipient) => wanted.includes(recipient))) return;
    const keeps = present.to.length > 0 && present.to.every((recipient) => wanted.includes(recipient));
    files.set(file, seal({ ...present, fileKey: keeps ? present.fileKey : source.next(), to: wanted }));
  };
  for (const path of state.secretPaths()) {
    const agents = agentsOf(state.manifest, path);
    encryptTo(secretFile(path), [...owners, ...agents.map((agent) => state.agentRecipient(agent).text)]);
    files.set(metadataFile(path), changeMetadata(files.get(metadataFile(path))!, path, { authorized_agents: agents }));
  }
  for (const agent of state.escrowedAgents()) encryptTo(escrowFile(agent), owners);
  for (const file of files.keys()) if (file.startsWith("versions/")) encryptTo(file, owners);
  return files;
}

function sourceOf(files: ReadonlyMap<string, Uint8Array>): FileSource {
  return {
    root: "/model",
    read: (file) => files.get(file),
    walk: (folder = "") =>
      [...files.keys()]
        .filter((file) => folder === "" || file.startsWith(`${folder}/`))
        .toSorted()
        .map((file) => ({ file, kind: "file" })),
  };
}

/** The states that both go back to and that none of the others has behind it. */
export function basesOf(ours: ModelVault, theirs: ModelVault): Bases {
  const [behindOurs, behindTheirs] = [new Set([ours, ...ours.behind()]), new Set([theirs, ...theirs.behind()])];
  const common = [...behindOurs].filter((state) => behindTheirs.has(state));
  const heads = common.filter((state) => !common.some((other) => other !== state && other.behind().has(state)));
  return { states: heads.map(({ merged }) => merged), isComplete: true };
}

/** How a test answers: by a question's id, with the state whose answer counts; or all alike. */
export type Answers = Readonly<Record<string, ModelVault>> | "first" | "second";

/** Merges two states as an owner's sync does, values compared and questions answered, and encrypts what is to be encrypted. */
export function mergeModels(
  ours: ModelVault,
  theirs: ModelVault,
  answers: Answers = {},
  bases: Bases = basesOf(ours, theirs),
): { readonly merged: Merged; readonly state: ModelVault } {
  const input: MergeInput = inOrder({ bases, sides: [ours.merged, theirs.merged] });
  const sides = input.sides[0] === ours.merged ? ([ours, theirs] as const) : ([theirs, ours] as const);
  const valueIn = (file: string, side: 0 | 1) => unseal(sides[side].files.get(file)!).value;
  const { comparable } = mergeStates(input);
  const equalValues = new Map(
    [...comparable].map(([path, files]): [SecretPath, boolean] => [path, valueIn(files[0], 0) === valueIn(files[1], 1)]),
  );
  let merged = mergeStates({ ...input, equalValues });
  const given = new Map<string, Digest>();
  for (let round = 0; round < 10 && merged.questions.length > 0; round++) {
    for (const { id } of merged.questions) {
      const answer = answers === "first" ? sides[0] : answers === "second" ? sides[1] : (answers as Record<string, ModelVault>)[id];
      if (answer) given.set(id, answer.digest);
    }
    merged = mergeStates({ ...input, equalValues, answers: given });
    if (typeof answers === "object") break;
  }
  return { merged, state: execute(merged, sides) };
}

function execute(merged: Merged, sides: readonly [ModelVault, ModelVault]): ModelVault {
  const source = sides[0].source;
  const files = new Map<string, Uint8Array>();
  for (const [file, origin] of merged.files) files.set(file, "bytes" in origin ? origin.bytes : sides[origin.side].files.get(origin.file)!);
  for (const { file, kind, all } of merged.encryptions) {
    const present = unseal(files.get(file)!);
    const fileKey = kind === "add-recipients" ? present.fileKey : source.next();
    files.set(file, seal({ ...present, fileKey, to: all }));
  }
  for (const { file, from } of merged.kept) {
    const { value } = unseal(sides[from.side].files.get(from.file)!);
    files.set(file, seal({ value, fileKey: source.next(), to: [...merged.owners] }));
  }
  const signedAt = new Date(Math.max(...sides.map(({ signedAt }) => signedAt.getTime())));
  const signer = merged.signers.find(({ name }) => sides.every((side) => side.signers.some((owner) => owner.name === name)))?.name ?? "";
  return new ModelVault(source, files, sides, { signer, signedAt, signers: merged.signers });
}
