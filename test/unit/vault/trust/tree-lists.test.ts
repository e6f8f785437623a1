import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { processContext, VaultError, VaultFolder, type FileSource } from "#vault/index.js";
import { digestOf } from "#vault/lock/digest.js";
import type { Lock } from "#vault/lock/lock.js";
import { digestsIn, SignedFiles, summarize } from "#vault/lock/signed-files.js";
import { TreeListCache } from "#vault/lock/tree-list-cache.js";

const FILE = "secrets/big/s7.enc";
const OTHER = "secrets/big/s8.enc";

let root: string;
let home: string;
let lock: Lock;
let reads: string[];

beforeEach(() => {
  const place = mkdtempSync(join(tmpdir(), "agent-vault-test-"));
  onTestFinished(() => rmSync(place, { recursive: true, force: true }));
  [root, home] = [join(place, "vault"), join(place, "home")];
  mkdirSync(join(root, "secrets/big"), { recursive: true });
  for (let index = 0; index < 300; index++) writeFileSync(join(root, `secrets/big/s${index}.enc`), `value ${index}`);
  lock = { ...summarize(digestsIn(new VaultFolder(root))) } as Partial<Lock> as Lock;
  reads = [];
});

/** The files as the next process would see them; what is read of the disk is written down. */
function signedFiles(folder = home): SignedFiles {
  const disk = new VaultFolder(root);
  const source: FileSource = { root, walk: (below) => disk.walk(below), read: (file) => (reads.push(file), disk.read(file)) };
  return new SignedFiles(lock, source, { lists: new TreeListCache(processContext({ home: folder }), "a-vault-id") });
}

const codeOf = (look: () => void): string | undefined => {
  try {
    look();
    return undefined;
  } catch (error) {
    return error instanceof VaultError ? error.code : String(error);
  }
};
const bytes = (file: string) => readFileSync(join(root, file));
const listFile = () => {
  const folder = join(home, "trust/trees/a-vault-id");
  return join(folder, readdirSync(folder)[0]!);
};

describe("the list of a large folder", () => {
  it("is kept by the first read and spares the next one all other files", () => {
    signedFiles().require(FILE, bytes(FILE));
    expect(reads).toHaveLength(300);
    reads = [];
    signedFiles().require(FILE, bytes(FILE));
    expect(reads).toEqual([]);
    expect(digestOf(readFileSync(listFile()))).toBe(lock.trees.get("secrets/big"));
  });

  it("lets no file through that is not as it was signed, nor one that is new", () => {
    signedFiles().require(FILE, bytes(FILE));
    expect(codeOf(() => signedFiles().require(FILE, Buffer.from("forged")))).toBe("TAMPERED");
    expect(codeOf(() => signedFiles().require(FILE, bytes(OTHER)))).toBe("TAMPERED");
    expect(codeOf(() => signedFiles().require("secrets/big/new.enc", Buffer.from("new")))).toBe("TAMPERED");
    expect(codeOf(() => signedFiles().require("secrets/big/7.enc", bytes(FILE)))).toBe("TAMPERED");
    expect(reads).toHaveLength(300);
  });

  it("counts for nothing where it is not the one that was signed", () => {
    signedFiles().require(FILE, bytes(FILE));
    const forged = readFileSync(listFile(), "utf8").replace(digestOf(bytes(FILE)).slice(7), digestOf("forged").slice(7));
    writeFileSync(listFile(), forged);
    writeFileSync(join(root, FILE), "forged");
    expect(codeOf(() => signedFiles().require(FILE, Buffer.from("forged")))).toBe("TAMPERED");
  });

  it("is not of the state before", () => {
    signedFiles().require(FILE, bytes(FILE));
    writeFileSync(join(root, FILE), "replaced");
    lock = { ...summarize(digestsIn(new VaultFolder(root))) } as Partial<Lock> as Lock;
    expect(codeOf(() => signedFiles().require(FILE, Buffer.from("value 7")))).toBe("TAMPERED");
    expect(codeOf(() => signedFiles().require(FILE, Buffer.from("replaced")))).toBeUndefined();
    expect(readdirSync(dirname(listFile()))).toHaveLength(1);
  });

  it("is done without where it cannot be kept", () => {
    const file = join(root, FILE);
    for (let round = 0; round < 2; round++) expect(codeOf(() => signedFiles(file).require(FILE, bytes(FILE)))).toBeUndefined();
    expect(reads).toHaveLength(600);
  });
});
