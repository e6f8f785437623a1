import { itself, spelled, type Encoding } from "./encoding.js";

/** A value between single quotes, which a shell breaks up at one in it, and SQL, YAML and PowerShell double. */
export const singleQuotes: Encoding = quotes("'", ["'\\''", `'"'"'`, "''"]);

/** A value between double quotes, where CSV doubles one in it. */
export const doubleQuotes: Encoding = quotes('"', ['""']);

/** @param quoted how `quote` may be written. */
function quotes(quote: string, quoted: readonly string[]): Encoding {
  const byte = quote.charCodeAt(0);
  return {
    encodes: "values",
    spellings: (pattern, index) => [...itself(pattern[index] as number), ...(pattern[index] === byte ? spelled(quoted) : [])],
  };
}
