// Which test files come to a file of test/support by their imports: nobody keeps a list.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { root } from "./setup.mjs";

/** @param matches whether a file's text counts as well @returns paths from the root, sorted */
export function testFilesThatReach(support, matches = () => false) {
  const target = join(root, "test/support", support);
  const reaches = (file, seen) => {
    if (file === target) return true;
    if (seen.has(file)) return false;
    seen.add(file);
    const text = readFileSync(file, "utf8");
    return matches(text) || importsOf(file, text).some((imported) => reaches(imported, seen));
  };
  return readdirSync(join(root, "test"), { recursive: true })
    .map((file) => join(root, "test", String(file)))
    .filter((file) => file.endsWith(".test.ts") && reaches(file, new Set()))
    .map((file) => relative(root, file))
    .toSorted();
}

function importsOf(file, text) {
  return [...text.matchAll(/from "(\.{1,2}\/[^"]+)\.js"/g)]
    .map(([, path]) => `${resolve(dirname(file), path)}.ts`)
    .filter((path) => path.startsWith(join(root, "test")));
}
