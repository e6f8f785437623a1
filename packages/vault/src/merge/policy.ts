import { isSeq, type Node } from "yaml";
import { VaultError } from "../errors.js";
import { POLICY_FILE } from "../format/layout.js";
import { readYamlFile, writeYaml } from "../format/yaml-document.js";
import { applyFields } from "./documents.js";
import { eachSide, type MergeInput, type SideIndex, type Sided } from "./merge-input.js";
import type { Dialog } from "./questions.js";
import { canonical, changedSide, isMapping, mergeFields } from "./three-way.js";

type Fields = Readonly<Record<string, unknown>>;

/** A policy by its rules: each under its name, one without a name under what it says. */
interface Policy {
  readonly rules: ReadonlyMap<string, Fields>;
  readonly rest: Fields;
}

/**
 * Merges two policies that both sides changed, rule by rule. A rule that both changed is a question; the order of rules decides nothing.
 * @returns `undefined` where one of the files is no list of rules: then the file as a whole is a question
 */
export function mergePolicies(input: MergeInput, dialog: Dialog): Uint8Array | undefined {
  const sides = eachSide(input.sides, (side) => readPolicy(side.read(POLICY_FILE)));
  const [first, second] = sides;
  if (!first || !second) return undefined;
  const bases = input.bases.states.map((base) => readPolicy(base.read(POLICY_FILE)));
  const merged: Fields[] = [];
  for (const name of new Set([...first.rules.keys(), ...second.rules.keys()])) {
    const rules: Sided<Fields | undefined> = [first.rules.get(name), second.rules.get(name)];
    const side =
      changedSide(
        bases.map((base) => base?.rules.get(name)),
        rules,
        (a, b) => canonical(a) === canonical(b),
      ) ?? askRule(name, rules, dialog);
    if (rules[side]) merged.push(rules[side]);
  }
  const rest = mergeFields(
    bases.map((base) => base?.rest),
    [first.rest, second.rest],
    (place, values) => {
      const field = place.join(".");
      const texts = eachSide(values, (value) => `${field} of ${POLICY_FILE} is ${canonical(value) || "not set"}`);
      return values[dialog.ask("setting", `${POLICY_FILE} ${field}`, texts)];
    },
  );
  const [own, others] = input.sides.map((side) => side.read(POLICY_FILE)!);
  return writePolicy(own!, others!, merged, rest as Fields);
}

function askRule(name: string, rules: Sided<Fields | undefined>, dialog: Dialog): SideIndex {
  const texts = eachSide(rules, (rule) => (rule ? `rule ${name} is ${canonical(rule)}` : `rule ${name} was removed`));
  return dialog.ask("rule", name, texts);
}

/** The first side's document with the merged rules, each as its side spelled it. */
function writePolicy(bytes: Uint8Array, others: Uint8Array, rules: readonly Fields[], rest: Fields): Uint8Array {
  const { document } = readYamlFile(bytes, POLICY_FILE);
  const sequence = document.get("rules", true);
  if (!isSeq(sequence)) return bytes;
  const spelled = new Map([...ruleNodes(others), ...ruleNodes(bytes)]);
  sequence.items = rules.map((rule) => spelled.get(canonical(rule)) ?? document.createNode(rule));
  sequence.flow = sequence.items.length === 0;
  const own = (document.toJS() as Fields)["rules"];
  applyFields(document, { ...rest, rules: own });
  return writeYaml(document);
}

function ruleNodes(bytes: Uint8Array): (readonly [string, Node])[] {
  const { document } = readYamlFile(bytes, POLICY_FILE);
  const sequence = document.get("rules", true);
  const rules = (document.toJS() as Fields)["rules"] as Fields[];
  return isSeq(sequence) ? rules.map((rule, index) => [canonical(rule), sequence.items[index] as Node] as const) : [];
}

function readPolicy(bytes: Uint8Array | undefined): Policy | undefined {
  const data = bytes && readFields(bytes);
  if (!isMapping(data) || !Array.isArray(data["rules"]) || !data["rules"].every(isMapping)) return undefined;
  const { rules: list, ...rest } = data;
  const rules = new Map<string, Fields>();
  for (const rule of list as readonly Fields[]) {
    const base = typeof rule["name"] === "string" ? JSON.stringify(rule["name"]) : `without a name ${canonical(rule)}`;
    let unique = base;
    for (let count = 2; rules.has(unique); count++) unique = `${base} (${count})`;
    rules.set(unique, rule);
  }
  return { rules, rest };
}

function readFields(bytes: Uint8Array): unknown {
  try {
    return readYamlFile(bytes, POLICY_FILE).document.toJS() as unknown;
  } catch (error) {
    if (error instanceof VaultError) return undefined;
    throw error;
  }
}
