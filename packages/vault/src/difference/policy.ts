import { POLICY_FILE } from "../format/layout.js";
import { readYamlFile } from "../format/yaml-document.js";
import { plural } from "../text/counts.js";
import { shown, sortedUnion } from "./change.js";
import type { Pair, Side } from "./pair.js";
import { addedRuleWidens, changedRuleWidens, removedRuleWidens, type Rule } from "./rule-widening.js";

/** A policy's rules by a name that no other of it has, in their order. */
type Rules = ReadonlyMap<string, Rule>;

interface Policy {
  readonly rules: Rules;
  /** Where a person may be asked; `undefined` for everywhere. */
  readonly channels: readonly unknown[] | undefined;
  /** What it says beside them. */
  readonly rest: string;
}

/**
 * The rules of the policies, by their names; a rule without one by what it says. Of a file that is no list of rules, only the
 * difference of its lines is shown; so it is beside the words, for what they leave out.
 */
export function comparePolicies(pair: Pair): void {
  const [bytesBefore, bytesAfter] = [pair.read("before", POLICY_FILE), pair.read("after", POLICY_FILE)];
  if (!bytesAfter && !bytesBefore) return;
  if (bytesAfter && bytesBefore && Buffer.compare(bytesBefore, bytesAfter) === 0) return;
  pair.toShow.add(POLICY_FILE);
  if (pair.before && !bytesBefore) addFile(pair, false, `${POLICY_FILE} is new: what none of its rules allows is denied`);
  if (!bytesAfter) return addFile(pair, true, `${POLICY_FILE} was removed: everyone with a key that opens a secret may use it`);
  const before = bytesBefore ? readPolicy(pair, "before", bytesBefore) : undefined;
  const after = readPolicy(pair, "after", bytesAfter);
  if (!after || (bytesBefore && !before)) return addFile(pair, true, `${POLICY_FILE} changed, and its rules cannot be compared`);
  compareRules(pair, before?.rules, after.rules);
  if (before) compareChannels(pair, before, after);
  if (before && before.rest !== after.rest) addFile(pair, true, `${POLICY_FILE} says more than is named here, as its lines show`);
  if (!pair.isNamed(POLICY_FILE)) addFile(pair, false, `comments or spelling of ${POLICY_FILE} differ, as its lines show`);
}

function compareRules(pair: Pair, before: Rules | undefined, after: Rules): void {
  const add = (name: string, widens: boolean, what: string, old?: Rule, now?: Rule) =>
    pair.add(
      {
        kind: "rule",
        subject: name,
        widens,
        text: `policy rule ${name} ${what}`,
        before: old && JSON.stringify(old),
        after: now && JSON.stringify(now),
      },
      POLICY_FILE,
    );
  for (const name of sortedUnion(before?.keys() ?? [], after.keys())) {
    const [old, now] = [before?.get(name), after.get(name)];
    // Where there was no policy, nothing was denied, so no rule allows what was not.
    if (!old && now) add(name, addedRuleWidens(now, before !== undefined), `is new: ${wordsOf(now)}`, undefined, now);
    else if (old && !now) add(name, removedRuleWidens(old), `was removed: ${wordsOf(old)}`, old);
    else if (JSON.stringify(old) !== JSON.stringify(now))
      add(name, changedRuleWidens(old!, now!), `changed: ${changedWords(old!, now!)}`, old, now);
  }
  const isKept = (rules: Rules, others: Rules) => [...rules.keys()].filter((name) => others.has(name)).join("\n");
  if (before && isKept(before, after) !== isKept(after, before)) addFile(pair, false, "the rules of the policy are in another order");
}

/** Where a person is asked. */
function compareChannels(pair: Pair, before: Policy, after: Policy): void {
  const [was, is] = [before.channels, after.channels];
  if (JSON.stringify(was) === JSON.stringify(is)) return;
  const isMore = is === undefined || (was !== undefined && !is.every((channel) => was.includes(channel)));
  const words = (channels: typeof was) => (channels ? shown(channels) : "everywhere");
  addFile(pair, isMore, `a person may be asked by ${words(is)} instead of ${words(was)}`);
}

function addFile(pair: Pair, widens: boolean, text: string): void {
  pair.add({ kind: "rule", subject: POLICY_FILE, widens, text }, POLICY_FILE);
}

function readPolicy(pair: Pair, side: Side, bytes: Uint8Array): Policy | undefined {
  const data = pair.tryRead(side, POLICY_FILE, (): unknown => readYamlFile(bytes, POLICY_FILE).document.toJS());
  if (!isMapping(data) || !Array.isArray(data["rules"]) || !data["rules"].every(isMapping)) return undefined;
  const { rules: list, approval_channels: channels, ...rest } = data;
  const rules = new Map<string, Rule>();
  for (const rule of list as readonly Rule[]) {
    const { name } = rule;
    const base = typeof name === "string" ? JSON.stringify(name) : `without a name (${shown(rule)})`;
    let unique = base;
    for (let count = 2; rules.has(unique); count++) unique = `${base} (${count})`;
    rules.set(unique, rule);
  }
  return {
    rules,
    channels: channels === undefined ? undefined : Array.isArray(channels) ? channels : [channels],
    rest: JSON.stringify(rest),
  };
}

function wordsOf(rule: Rule): string {
  const fields = Object.keys(rule).filter((field) => field !== "name");
  return fields.map((field) => `${field} ${shown(rule[field])}`).join(", ") || plural(0, "field");
}

function changedWords(old: Rule, now: Rule): string {
  const fields = sortedUnion(Object.keys(old), Object.keys(now)).filter(
    (field) => JSON.stringify(old[field]) !== JSON.stringify(now[field]),
  );
  return fields.map((field) => `${field} is ${shown(now[field])} instead of ${shown(old[field])}`).join(", ");
}

function isMapping(value: unknown): value is Rule {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
