import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { spellRemote } from "#vault/git/remote-spelling.js";
import { afterAll, describe, expect, it } from "vitest";

interface Spellings {
  readonly remotes: readonly { readonly spelling: string; readonly urls: readonly string[] }[];
  readonly others: readonly { readonly url: string; readonly spelling: string }[];
}

const file = resolve(import.meta.dirname, "../../../../fixtures/remote-spellings.json");
const { remotes, others } = JSON.parse(readFileSync(file, "utf8")) as Spellings;
const folder = realpathSync(mkdtempSync(join(tmpdir(), "spelling-")));
afterAll(() => rmSync(folder, { recursive: true }));

describe("the one spelling of a remote", () => {
  it.each(remotes)("is $spelling, however its URL is spelled", ({ spelling, urls }) => {
    expect(Object.fromEntries(urls.map((url) => [url, spellRemote(url)]))).toEqual(Object.fromEntries(urls.map((url) => [url, spelling])));
    expect(urls.length).toBeGreaterThanOrEqual(12);
  });

  it("tells remotes apart", () => {
    expect(new Set(remotes.map(({ spelling }) => spelling)).size).toBe(remotes.length);
    expect(remotes.length).toBeGreaterThanOrEqual(40);
  });

  it.each(others)("of $url is $spelling", ({ url, spelling }) => {
    expect(spellRemote(url)).toBe(spelling);
  });

  it("is the real folder of a local path", () => {
    for (const name of ["bare.git", "work/tree", "%41 b"]) mkdirSync(join(folder, name), { recursive: true });
    symlinkSync(join(folder, "bare.git"), join(folder, "link"));
    symlinkSync("link", join(folder, "again.git"));
    const bare = join(folder, "bare.git");
    const ways = [
      "bare",
      "bare.git",
      "bare.git/",
      "./bare",
      "work/../bare.git",
      "work/tree/../../bare",
      "link",
      "link/",
      "again",
      "again.git",
    ];
    for (const way of ways) {
      expect(spellRemote(way, folder), way).toBe(bare);
      expect(spellRemote(join(folder, way)), way).toBe(bare);
    }
    expect(spellRemote(`file://${folder}/link`)).toBe(bare);
    expect(spellRemote(`file://localhost${folder}/b%61re`)).toBe(bare);
    expect(spellRemote("../bare.git", join(folder, "work"))).toBe(bare);
    expect(spellRemote(`${folder}/%41 b`)).toBe(join(folder, "%41 b"));
    expect(spellRemote(`file://${folder}/%2541%20b`)).toBe(join(folder, "%41 b"));
    expect(spellRemote("tree", join(folder, "work"))).toBe(join(folder, "work/tree"));
    expect(spellRemote("no-such", folder)).toBe(join(folder, "no-such"));
  });
});
