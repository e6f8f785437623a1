import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = resolve(import.meta.dirname, "../../..");
const PAGE = readFileSync(join(ROOT, "docs/architecture.md"), "utf8");
const MAX_LINES = 300;

/** A package of the map with its rooms, the highest first. */
interface Package {
  readonly folder: string;
  readonly rooms: readonly string[];
}

const packages = readMap();
const sources = packages.flatMap(({ folder }) => sourceFiles(join(ROOT, folder, "src")));
const imports = new Map(sources.map((file) => [file, importsOf(file)]));

describe("the map in docs/architecture.md", () => {
  it("names each package and each room, and no other", () => {
    for (const { folder, rooms } of packages) {
      const source = join(ROOT, folder, "src");
      const present = readdirSync(source).filter((name) => statSync(join(source, name)).isDirectory());
      expect([folder, present.toSorted()]).toEqual([folder, rooms.toSorted()]);
    }
    const workspaces = [...readdirSync(join(ROOT, "packages")).map((name) => `packages/${name}`), "hooks", "sdk-node"];
    expect(packages.map(({ folder }) => folder).toSorted()).toEqual(workspaces.toSorted());
  });

  it("has every import run down it", () => {
    const upward = sources.flatMap((file) =>
      [...imports.get(file)!].filter((to) => runsUp(file, to)).map((to) => `${shown(file)} -> ${shown(to)}`),
    );
    expect(upward).toEqual([]);
  });

  it("names functions that are where it says", () => {
    const named = [...PAGE.matchAll(/`(\w+)`\s+([\w/-]+\.ts)/g)];
    expect(named.length).toBeGreaterThan(20);
    const missing = named.filter(([, name, file]) => {
      const found = sources.find((source) => source.endsWith(`/${file}`));
      return !found || !new RegExp(`\\b(?:function\\*?|class|async|static async|const) ${name}\\b`).test(readFileSync(found, "utf8"));
    });
    expect(missing.map(([text]) => text)).toEqual([]);
  });
});

describe("the sources", () => {
  it(`have no file of more than ${MAX_LINES} lines`, () => {
    expect(sources.filter((file) => readFileSync(file, "utf8").split("\n").length - 1 > MAX_LINES).map(shown)).toEqual([]);
  });

  it("import one another in no circle", () => {
    expect(circles()).toEqual([]);
  });

  // A command's class says it in its summary.
  it("say of everything that they export what it is", () => {
    const silent = sources.flatMap((file) => {
      const lines = readFileSync(file, "utf8").split("\n");
      return lines.flatMap((line, index) => {
        const [, name] = /^export (?:abstract |async )*(?:function\*?|class|interface|type|const|enum) (\w+)/.exec(line) ?? [];
        const isOverload = name !== undefined && lines.slice(0, index).some((earlier) => earlier.startsWith(`export function ${name}(`));
        return name === undefined || isOverload || lines[index - 1]?.endsWith("*/") ? [] : [`${shown(file)}: ${name}`];
      });
    });
    expect(silent).toEqual([]);
  });
});

/** The map is the first block of code: a line for a package, then one for each room, indented. */
function readMap(): Package[] {
  const [, map] = /```\n(.+?)```/s.exec(PAGE) ?? [];
  const found: { folder: string; rooms: string[] }[] = [];
  for (const line of map!.split("\n")) {
    const [, indent, name] = /^( *)(\S+)/.exec(line) ?? [];
    if (name === undefined) continue;
    if (indent === "") found.push({ folder: name.replace(/\/$/, ""), rooms: [] });
    else found.at(-1)!.rooms.push(name.replace(/\/$/, ""));
  }
  return found;
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.c?ts$/.test(entry.name))
    .map(({ parentPath, name }) => join(parentPath, name));
}

function importsOf(file: string): Set<string> {
  const text = readFileSync(file, "utf8");
  const found = [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(([, specifier]) => resolveImport(file, specifier!));
  return new Set(found.filter((to) => to !== undefined && to !== file) as string[]);
}

function resolveImport(file: string, specifier: string): string | undefined {
  if (specifier.startsWith(".")) {
    const base = join(dirname(file), specifier);
    return [base.replace(/\.js$/, ".ts"), base.replace(/\.cjs$/, ".cts")].find((path) => existsSync(path));
  }
  const [, name, entry = ""] = /^@agent-vault\/([\w-]+)(\/.+)?$/.exec(specifier) ?? [];
  const owner = packages.find(({ folder }) => folder.split("/").at(-1) === name);
  return owner && join(ROOT, owner.folder, `src${entry || "/index"}.ts`);
}

/** The package and the room of a file by their places in the map, and no room for a file beside the rooms. */
function placeOf(file: string): { readonly package: number; readonly room: number | undefined } {
  const index = packages.findIndex(({ folder }) => file.startsWith(join(ROOT, folder, "/")));
  const { folder, rooms } = packages[index]!;
  const [first, ...rest] = relative(join(ROOT, folder, "src"), file).split("/");
  return { package: index, room: rest.length > 0 ? rooms.indexOf(first!) : undefined };
}

function runsUp(from: string, to: string): boolean {
  const [here, there] = [placeOf(from), placeOf(to)];
  if (here.package !== there.package) return there.package < here.package;
  return here.room !== undefined && there.room !== undefined && there.room < here.room;
}

/** Files that reach themselves, each with those on the way. */
function circles(): string[][] {
  const found: string[][] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) found.push([...path.slice(path.indexOf(file)), file].map(shown));
    else if (!done.has(file)) for (const to of imports.get(file) ?? []) visit(to, [...path, file]);
    done.add(file);
  };
  for (const file of sources) visit(file, []);
  return found;
}

function shown(file: string): string {
  return relative(ROOT, file);
}
