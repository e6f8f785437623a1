import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");

/** The examples in one language of a page of the documentation. */
export function examples(page: string, language: string): string[] {
  return fenced(readFileSync(join(ROOT, "docs", page), "utf8"), language);
}

/** An `@example` of a doc comment, by the method or class that the comment belongs to. */
export interface SourceExample {
  readonly name: string;
  readonly text: string;
}

/** The `@example` blocks of all doc comments in a folder's sources, each without the comment's asterisks. */
export function sourceExamples(folder: string): SourceExample[] {
  const files = readdirSync(join(ROOT, folder)).filter((file) => file.endsWith(".ts"));
  return files.flatMap((file) => {
    const comments = readFileSync(join(ROOT, folder, file), "utf8").matchAll(/^ *\/\*\*\n((?: *\*(?!\/).*\n)+) *\*\/\n(.*)/gm);
    return Array.from(comments).flatMap(([, comment, declaration]) => {
      const [, ...blocks] = comment!.replaceAll(/^ *\* ?/gm, "").split(/^@example\n/m);
      const name = /^ *(?:export )?(?:async |class )*\[?([\w.]+)/.exec(declaration!)?.[1] ?? declaration!;
      return blocks.flatMap((block) => fenced(block, "js")).map((text) => ({ name, text }));
    });
  });
}

function fenced(text: string, language: string): string[] {
  return Array.from(text.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, "gm")), ([, example]) => example!);
}
