import type { Document } from "yaml";
import { MANIFEST_FILE } from "../format/layout.js";
import { updateManifestDocument } from "../format/manifest-document.js";
import { Manifest } from "../format/manifest.js";
import { readYamlFile, writeYaml } from "../format/yaml-document.js";
import type { MergedAccess } from "./access.js";
import { applyFields } from "./documents.js";
import { eachSide, type MergeInput } from "./merge-input.js";
import type { MergedOwner } from "./people.js";
import type { Dialog } from "./questions.js";
import { canonical, changedSide, isMapping, mergeFields } from "./three-way.js";

/** Lists of entries with a name, and the fields of an entry that are merged as sets. */
const LISTS = { owners: "public_key", agents: "groups", groups: "secrets" } as const;
const LISTED: ReadonlySet<string> = new Set([...Object.keys(LISTS), "extra_agents", "removed"]);

type Fields = Record<string, unknown>;

/** `manifest.yaml` of the result: what the sides say of access, and fields that are not known here, each from the side that changed it. */
export function mergeManifest(input: MergeInput, access: MergedAccess, owners: readonly MergedOwner[], dialog: Dialog): Manifest {
  const { bases, sides } = input;
  const side =
    changedSide(
      bases.states.map(({ digests }) => digests.get(MANIFEST_FILE)),
      [sides[0].digests.get(MANIFEST_FILE), sides[1].digests.get(MANIFEST_FILE)],
      Object.is,
    ) ?? 0;
  const bytes = sides[side].read(MANIFEST_FILE)!;
  const { document } = readYamlFile(bytes, MANIFEST_FILE);
  const before = canonical(document.toJS());
  updateManifestDocument(document, { ...access, owners: owners.map(({ name, file }) => ({ name, file })) });
  const data = eachSide(sides, ({ vault }) => unknownFields(vault.manifest));
  const merged = mergeFields(
    bases.states.map(({ vault }) => unknownFields(vault.manifest)),
    data,
    (place, values) => {
      const name = place.join(" ");
      const texts = eachSide(values, (value) => `${name} of ${MANIFEST_FILE} is ${canonical(value) || "not there"}`);
      return values[dialog.ask("field", `${name} of ${MANIFEST_FILE}`, texts)];
    },
  ) as Fields;
  applyUnknown(document, merged);
  return Manifest.parse(canonical(document.toJS()) === before ? bytes : writeYaml(document));
}

/** What is not merged as a set, by the names of the entries that it belongs to. */
function unknownFields(manifest: Manifest): Fields {
  const data = readYamlFile(manifest.toBytes(), MANIFEST_FILE).document.toJS() as Fields;
  const rest = Object.entries(data).filter(([field]) => !LISTED.has(field));
  const inLists = Object.entries(LISTS).map(([list, known]) => {
    const entries = (Array.isArray(data[list]) ? data[list] : []).filter(isMapping);
    const extra = entries.map(({ name, ...fields }) => [String(name), without(fields, known)] as const);
    return [list, Object.fromEntries(extra.filter(([, fields]) => Object.keys(fields).length > 0))] as const;
  });
  return { ...Object.fromEntries(rest), ...Object.fromEntries(inLists) };
}

function without(fields: Fields, field: string): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => name !== field));
}

function applyUnknown(document: Document, merged: Fields): void {
  const data = document.toJS() as Fields;
  const wanted: Fields = { ...data };
  for (const field of Object.keys(data)) if (!LISTED.has(field) && !(field in merged)) delete wanted[field];
  for (const [field, value] of Object.entries(merged)) if (!LISTED.has(field)) wanted[field] = value;
  applyFields(document, wanted);
  for (const [list, known] of Object.entries(LISTS)) {
    const entries = (Array.isArray(data[list]) ? data[list] : []) as Fields[];
    for (const [index, entry] of entries.entries()) {
      if (!isMapping(entry)) continue;
      const byName = merged[list];
      const extra = isMapping(byName) ? byName[String(entry["name"])] : undefined;
      const kept = { name: entry["name"], ...(known in entry && { [known]: entry[known] }) };
      applyEntry(document, [list, index], entry, { ...kept, ...(isMapping(extra) && extra) });
    }
  }
}

/** @param present what the document says of the entry */
function applyEntry(document: Document, place: readonly [string, number], present: Fields, wanted: Fields): void {
  if (canonical(present) === canonical(wanted)) return;
  for (const field of new Set([...Object.keys(present), ...Object.keys(wanted)])) {
    if (canonical(present[field]) === canonical(wanted[field])) continue;
    if (wanted[field] === undefined) document.deleteIn([...place, field]);
    else document.setIn([...place, field], document.createNode(wanted[field]));
  }
}
