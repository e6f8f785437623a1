import type { VaultState } from "../files/vault-state.js";
import { Config } from "../format/config.js";
import { CONFIG_FILE } from "../format/layout.js";
import { named, shown, sortedUnion } from "./change.js";
import type { Pair, Side } from "./pair.js";

/** Settings that protect less when they are raised, or when they are lowered. Any change of another one counts as widening. */
const LOOSER: Readonly<Record<string, "higher" | "lower">> = {
  max_value_bytes: "higher",
  pull_interval: "higher",
  expiry_warning_days: "lower",
};

const NO_ID = "no-id-given";

/** The vault's id and its settings, with the defaults of those that are not set. */
export function compareSettings(pair: Pair): void {
  const before = pair.before && configOf(pair, "before", pair.before);
  const after = configOf(pair, "after", pair.after);
  if ((pair.before && !before) || !after) return;
  if (before && before.id !== after.id) {
    const text = before.id === undefined ? `the vault gets the id ${after.id}` : `the vault's id is ${after.id} instead of ${before.id}`;
    pair.add({ kind: "setting", subject: "id", widens: before.id !== undefined, text, before: before.id, after: after.id }, CONFIG_FILE);
  }
  const [old, now] = [(before ?? Config.create(NO_ID)).settings, after.settings];
  for (const name of sortedUnion(Object.keys(old), Object.keys(now))) {
    const [was, is] = [old[name], now[name]];
    if (JSON.stringify(was) === JSON.stringify(is)) continue;
    const text = `setting ${named(name)} is ${shown(is)} instead of ${shown(was)}`;
    pair.add(
      { kind: "setting", subject: name, widens: isLooser(name, was, is), text, before: shownIfSet(was), after: shownIfSet(is) },
      CONFIG_FILE,
    );
  }
}

function configOf(pair: Pair, side: Side, state: VaultState): Config | undefined {
  return pair.tryRead(side, CONFIG_FILE, () => state.config);
}

function isLooser(name: string, was: unknown, is: unknown): boolean {
  const looser = Object.hasOwn(LOOSER, name) ? LOOSER[name] : undefined;
  if (looser === undefined || typeof was !== "number" || typeof is !== "number") return true;
  return looser === "higher" ? is > was : is < was;
}

function shownIfSet(value: unknown): string | undefined {
  return value === undefined ? undefined : shown(value);
}
