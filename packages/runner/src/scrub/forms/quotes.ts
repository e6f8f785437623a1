import { NO_GAP, spelled, UNDECIDED, type Form } from "./form.js";

/** How a quote is written between quotes: by a shell, twice (SQL, YAML, PowerShell), twice (CSV). */
const QUOTED = new Map([
  ["'", ["'\\''", `'"'"'`, "''"]],
  ['"', ['""']],
]);

/** A value between quotes of its own kind, which break up or double those in it. */
export const quotes: Form = {
  spells: "values",
  gaps: NO_GAP,
  read: (text, at) => {
    const byte = text.byte(at);
    for (const quoted of QUOTED.get(String.fromCharCode(byte)) ?? []) {
      let index = 1;
      while (index < quoted.length && text.byte(at + index) === quoted.charCodeAt(index)) index++;
      if (index === quoted.length) return text.one(at + index, byte);
      if (text.byte(at + index) === UNDECIDED) return UNDECIDED;
    }
    return text.take(at);
  },
  spell: (pattern, index) => {
    const itself = String.fromCharCode(pattern[index] as number);
    return spelled([itself, ...(QUOTED.get(itself) ?? [])]);
  },
};
