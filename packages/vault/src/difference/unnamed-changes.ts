import type { Document } from "yaml";
import { Config } from "../format/config.js";
import { classify, CONFIG_FILE, MANIFEST_FILE, type VaultFile } from "../format/layout.js";
import { updateManifestDocument } from "../format/manifest-document.js";
import { Manifest } from "../format/manifest.js";
import { changeMetadata, createMetadata, type MetadataChange } from "../format/metadata.js";
import { readYamlFile, writeYaml } from "../format/yaml-document.js";
import { withoutSignedFiles } from "../lock/added-files.js";
import { VaultError } from "../errors.js";
import { ATTRIBUTES, OWN_FIELDS, VALUE_FIELDS } from "./attributes.js";
import type { Pair } from "./pair.js";

/**
 * Finds what the changes so far do not name. A file is written as agent-vault would for them, and whatever else the real one holds (fields
 * that are not known, comments, entries with invalid names, another order) has its lines shown.
 */
export function findUnnamed(pair: Pair, file: string): void {
  const found = classify(file);
  if (found.kind === "secret" || found.kind === "escrow") return;
  if (found.kind === "metadata" || found.kind === "yaml") return findUnnamedFields(pair, found, file);
  if (pair.isNamed(file)) return;
  pair.toShow.add(file);
  const isKey = found.kind === "owner" || found.kind === "public-key";
  const text = `${file} was ${pair.howChanged(file)}, as its lines show`;
  pair.add({ kind: "file", subject: file, widens: isKey || pair.before !== undefined, text }, file);
}

function findUnnamedFields(pair: Pair, found: VaultFile, file: string): void {
  const [before, after] = [compared(pair.read("before", file), file), compared(pair.read("after", file), file)];
  // A missing file that is needed cannot be read, which is told already; a policy is always shown.
  if (!after || pair.toShow.has(file)) return;
  const expected = expectedBytes(pair, found, file, before, after);
  if (expected && Buffer.compare(expected, after) === 0) return;
  pair.toShow.add(file);
  const isSame = expected !== undefined && meaning(expected, file) === meaning(after, file);
  const text = isSame
    ? `comments, order or spelling of ${file} differ, as its lines show`
    : `${file} says more than is named here, as its lines show`;
  pair.add({ kind: "file", subject: file, widens: !isSame, text }, file);
}

/** The bytes that count: not the digests of further signed files, which follow those files. */
function compared(bytes: Uint8Array | undefined, file: string): Uint8Array | undefined {
  return bytes && file === CONFIG_FILE ? Buffer.from(withoutSignedFiles(bytes), "latin1") : bytes;
}

/** What agent-vault would have written, `undefined` where it cannot tell. */
function expectedBytes(
  pair: Pair,
  found: VaultFile,
  file: string,
  before: Uint8Array | undefined,
  after: Uint8Array,
): Uint8Array | undefined {
  try {
    if (found.kind === "metadata") {
      const now = knownFields(after, file);
      if (!before) return createMetadata(found.path, now);
      const old = knownFields(before, file);
      const removed = Object.keys(old).filter((field) => now[field] === undefined);
      const changed = Object.entries(now).filter(([field, value]) => JSON.stringify(old[field]) !== JSON.stringify(value));
      return changeMetadata(before, found.path, Object.fromEntries([...removed.map((field) => [field, null]), ...changed]));
    }
    if (found.kind !== "yaml") return undefined;
    if (found.file === MANIFEST_FILE) return expectedManifest(before, pair.after.manifest);
    return found.file === CONFIG_FILE ? expectedConfig(before, after) : undefined;
  } catch (error) {
    if (error instanceof VaultError) return undefined;
    throw error;
  }
}

const KNOWN_FIELDS: ReadonlySet<string> = new Set([...ATTRIBUTES, ...OWN_FIELDS, ...VALUE_FIELDS, "authorized_agents"]);

/** The fields of a `.meta` file that changes name, in the file's order. */
function knownFields(bytes: Uint8Array, file: string): MetadataChange & Record<string, unknown> {
  const fields = readYamlFile(bytes, file).document.toJS() as Record<string, unknown>;
  return Object.fromEntries(Object.entries(fields).filter(([field]) => KNOWN_FIELDS.has(field)));
}

function expectedManifest(before: Uint8Array | undefined, now: Manifest): Uint8Array {
  const base = before ?? Manifest.create(now.owners[0]?.name ?? "owner").toBytes();
  const { document } = readYamlFile(base, MANIFEST_FILE);
  updateManifestDocument(document, now);
  return writeYaml(document);
}

/** Settings and id are named field by field. */
function expectedConfig(before: Uint8Array | undefined, after: Uint8Array): Uint8Array {
  const now = Config.parse(after);
  const base = before ?? Config.create(now.id ?? "no-id-given").toBytes();
  const { document } = readYamlFile(base, CONFIG_FILE);
  const { document: wanted } = readYamlFile(after, CONFIG_FILE);
  for (const field of ["id", "settings"]) takeOver(document, wanted, field);
  return writeYaml(document);
}

function takeOver(document: Document, wanted: Document, field: string): void {
  const fieldsOf = (of: Document) => (of.toJS() as Record<string, unknown>)[field];
  if (JSON.stringify(fieldsOf(document)) === JSON.stringify(fieldsOf(wanted))) return;
  if (wanted.has(field)) document.set(field, document.createNode(fieldsOf(wanted)));
  else document.delete(field);
}

/** What a YAML file says, whatever its comments, spelling and order, which nothing in a manifest, a configuration or metadata goes by. */
function meaning(bytes: Uint8Array, file: string): string {
  return JSON.stringify(readYamlFile(bytes, file).document.toJS(), (_, value: unknown) => {
    if (Array.isArray(value)) return value.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}
