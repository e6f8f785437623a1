import { NO_GAP, spelled, UNDECIDED, type Form } from "./form.js";

const QUOTE = 0x27;
const QUOTED = ["'\\''", `'"'"'`];

/** A value between a shell's single quotes, which a quote in it breaks up: `'\''`. */
export const shell: Form = {
  spells: "values",
  gaps: NO_GAP,
  read: (text, at) => {
    if (text.byte(at) !== QUOTE) return text.take(at);
    for (const quoted of QUOTED) {
      let index = 1;
      while (index < quoted.length && text.byte(at + index) === quoted.charCodeAt(index)) index++;
      if (index === quoted.length) return text.one(at + index, QUOTE);
      if (text.byte(at + index) === UNDECIDED) return UNDECIDED;
    }
    return text.take(at);
  },
  spell: (pattern, index) => {
    const byte = pattern[index] as number;
    return spelled(byte === QUOTE ? ["'", ...QUOTED] : [String.fromCharCode(byte)]);
  },
};
