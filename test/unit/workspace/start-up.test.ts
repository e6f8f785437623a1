import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { expect, it } from "vitest";

const MAIN = resolve(import.meta.dirname, "../../../packages/cli/bundle/main.js");

/** A file of the bundle and all that is loaded with it. */
function loadedWith(file: string, loaded = new Set<string>()): Set<string> {
  if (loaded.has(file)) return loaded;
  loaded.add(file);
  const statements = readFileSync(file, "utf8").matchAll(/(?:^|[;}\n])\s*(?:import|export)(?:[^"'();]*?\bfrom)?\s*"(\.[^"]+)"/g);
  for (const [, other] of statements) loadedWith(join(dirname(file), other!), loaded);
  return loaded;
}

it("a command starts without the YAML parser, which get and run do without in a vault of the usual kind", () => {
  const files = [...loadedWith(MAIN)].map((file) => readFileSync(file, "utf8"));
  expect(files.length).toBeGreaterThan(1);
  expect(files.some((text) => text.includes("YAMLMap"))).toBe(false);
});
