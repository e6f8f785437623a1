import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The examples in one language of a page of the documentation. */
export function examples(page: string, language: string): string[] {
  const text = readFileSync(join(import.meta.dirname, "../../docs", page), "utf8");
  return Array.from(text.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, "gm")), ([, example]) => example!);
}
