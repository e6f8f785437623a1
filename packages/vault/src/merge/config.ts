import { VaultError } from "../errors.js";
import { ADDED_ENTRIES, CONFIG_FILE } from "../format/layout.js";
import { readYamlFile, writeYaml } from "../format/yaml-document.js";
import { withoutSignedFiles } from "../lock/added-files.js";
import { applyFields } from "./documents.js";
import { eachSide, type MergeInput } from "./merge-input.js";
import type { MergeState } from "./merge-state.js";
import type { Dialog } from "./questions.js";
import { canonical, changedSide, isMapping, mergeFields } from "./three-way.js";

/** Settings that protect more when they are smaller. */
const LIMITS: ReadonlySet<string> = new Set(["settings.max_value_bytes", "settings.pull_interval"]);
const ADDED: ReadonlySet<string> = new Set(ADDED_ENTRIES);

/**
 * The configuration of the result, field by field. What it says of added files is worked out when it is signed.
 * @throws VaultError `WRONG_VAULT` for two vaults
 */
export function mergeConfig({ bases, sides }: MergeInput, dialog: Dialog): Uint8Array {
  const ids = sides.map(({ vault }) => vault.config.id);
  if (ids[0] !== ids[1]) throw anotherVault(ids);
  const side = changedSide(bases.states.map(spell), [spell(sides[0]), spell(sides[1])], Object.is);
  if (side !== undefined) return sides[side].read(CONFIG_FILE)!;
  const merged = mergeFields(bases.states.map(fieldsOf), [fieldsOf(sides[0]), fieldsOf(sides[1])], (place, values) => {
    const name = place.join(".");
    const [first, second] = values;
    if (LIMITS.has(name) && typeof first === "number" && typeof second === "number") return Math.min(first, second);
    const texts = eachSide(values, (value) => `${name} is ${canonical(value) || "not set"}`);
    return values[dialog.ask("setting", name, texts)];
  });
  const { document } = readYamlFile(sides[0].read(CONFIG_FILE)!, CONFIG_FILE);
  const own = (document.toJS() as Record<string, unknown>)["signed_files"];
  applyFields(document, { ...(merged as Record<string, unknown>), signed_files: withUnknown(own, merged) });
  return writeYaml(document);
}

function spell(state: MergeState): string {
  return withoutSignedFiles(state.read(CONFIG_FILE)!) + canonical(fieldsOf(state)["signed_files"]);
}

/** The fields, and of the digests of added files only those that are not worked out here. */
function fieldsOf(state: MergeState): Record<string, unknown> {
  const { signed_files: listed, ...fields } = readYamlFile(state.read(CONFIG_FILE)!, CONFIG_FILE).document.toJS() as Record<
    string,
    unknown
  >;
  const unknown = Object.entries(isMapping(listed) ? listed : {}).filter(([name]) => !ADDED.has(name));
  return { ...fields, ...(unknown.length > 0 && { signed_files: Object.fromEntries(unknown) }) };
}

/** The first side's list with what later versions list beside it. */
function withUnknown(own: unknown, merged: unknown): unknown {
  const unknown = isMapping(merged) ? merged["signed_files"] : undefined;
  if (!isMapping(own) && !isMapping(unknown)) return undefined;
  const known = Object.entries(isMapping(own) ? own : {}).filter(([name]) => ADDED.has(name));
  const entries = [...known, ...Object.entries(isMapping(unknown) ? unknown : {})];
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function anotherVault(ids: readonly (string | undefined)[]): VaultError {
  return new VaultError("WRONG_VAULT", `These are two vaults: ${ids.join(" and ")}.`, {
    remedy: "Find out which one belongs here; two vaults cannot be merged. Nothing was changed.",
  });
}
