import { NO_GAP, encodedUnits, UNDECIDED, type Encoding } from "./encoding.js";

/** A value between single quotes, which a shell breaks up at one in it, and SQL, YAML and PowerShell double. */
export const singleQuotes: Encoding = quotes("'", ["'\\''", `'"'"'`, "''"]);

/** A value between double quotes, where CSV doubles one in it. */
export const doubleQuotes: Encoding = quotes('"', ['""']);

/** @param quoted how `quote` may be written. */
function quotes(quote: string, quoted: readonly string[]): Encoding {
  const byte = quote.charCodeAt(0);
  return {
    encodes: "values",
    delimiters: quote,
    gaps: NO_GAP,
    read: (text, at) => {
      if (text.byte(at) !== byte) return text.take(at);
      for (const way of quoted) {
        let index = 1;
        while (index < way.length && text.byte(at + index) === way.charCodeAt(index)) index++;
        if (index === way.length) return text.one(at + index, byte);
        if (text.byte(at + index) === UNDECIDED) return UNDECIDED;
      }
      return text.take(at);
    },
    encode: (pattern, index) =>
      encodedUnits(pattern[index] === byte ? [quote, ...quoted] : [String.fromCharCode(pattern[index] as number)]),
  };
}
