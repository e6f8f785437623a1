import { NO_GAP, spelled, type Form } from "./form.js";

/** The bytes as they are. */
export const raw: Form = {
  spells: "values",
  gaps: NO_GAP,
  read: (text, at) => text.take(at),
  spell: (pattern, index) => spelled([String.fromCharCode(pattern[index] as number)]),
};
