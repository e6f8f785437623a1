import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Context } from "../context.js";
import { replaceFile } from "../disk/atomic-file.js";
import { withWriteLockSync } from "../disk/write-lock.js";
import { isSystemError, NO_HOME, VaultError } from "../errors.js";
import { Ancestry } from "../lock/ancestry.js";
import { digestOf, type Digest } from "../lock/digest.js";
import { joinFormer, parseFormerMemory } from "./former-memory.js";
import { allStates, EMPTY_MEMORY, type Memory } from "./memory.js";
import { parseMemory, type StoredMemory } from "./memory-file.js";

/** The absolute path of the folder in which this machine remembers a vault. */
export const memoryFolder = (context: Context, vaultId: string): string => join(context.home, "trust", vaultId);
/** The absolute path of the file of that memory. */
export const memoryFile = (context: Context, vaultId: string): string => join(memoryFolder(context, vaultId), "memory.json");
/** The absolute path of the file in which agent-vault 0.2.0 remembers a vault. */
export const formerMemoryFile = (context: Context, vaultId: string): string => join(context.home, "trust", `${vaultId}.json`);

/** The files of one vault's memory that hold the states behind those that are remembered. */
const ANCESTRY_ENDING = ".states";
const ancestryFile = (context: Context, vaultId: string, lock: Digest): string =>
  join(memoryFolder(context, vaultId), `${lock.slice("sha256:".length)}${ANCESTRY_ENDING}`);

/**
 * What is remembered of a vault, with what agent-vault 0.2.0 remembered; `undefined` where that is nothing.
 * @throws VaultError `DAMAGED` where a file cannot be read or is not what was written
 */
export function readMemory(context: Context, vaultId: string): Memory | undefined {
  return readStored(context, vaultId);
}

/**
 * Changes what is remembered, under a lock that every process takes: `change` gets what is remembered by then. It is written whole or
 * not at all. Where it cannot be written the context says so, since reading goes on without it.
 * @param ancestries all states behind those that are new, by the digests of their locks
 * @throws VaultError `DAMAGED`, `BUSY`
 */
export function updateMemory(
  context: Context,
  vaultId: string,
  change: (memory: Memory) => Memory,
  ancestries: ReadonlyMap<Digest, Ancestry> = new Map(),
): void {
  const folder = memoryFolder(context, vaultId);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    withWriteLockSync(context, folder, () => {
      const before = readStored(context, vaultId) ?? EMPTY_MEMORY;
      const after: StoredMemory = { ...before, ...change(before) };
      if (isSame(after, before) && existsSync(memoryFile(context, vaultId))) return;
      for (const [lock, ancestry] of ancestries) replaceFile(ancestryFile(context, vaultId, lock), ancestry.toBytes(), { durable: true });
      const text = `${JSON.stringify({ version: 2, vault: vaultId, ...after }, null, 2)}\n`;
      replaceFile(memoryFile(context, vaultId), text, { durable: true });
      removeOldAncestries(context, vaultId, after);
    });
  } catch (error) {
    const reason = error instanceof VaultError ? error.cause : error;
    if (!isSystemError(reason)) throw error;
    const where = folder.startsWith(NO_HOME) ? ", as you have no home folder" : ` in ${folder} (${reason.code})`;
    context.warn(`The state of this vault could not be remembered${where}, so an older one would not be noticed.`);
  }
}

/** The ids of the vaults that this machine remembers. */
export function rememberedVaults({ home }: Context): string[] {
  const folder = join(home, "trust");
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return [...new Set(names.flatMap((name) => /^([0-9A-Za-z-]{8,64})(?:\.json)?$/.exec(name)?.[1] ?? []))];
}

/** All states behind one that is remembered; `undefined` where they are not known. */
export function rememberedAncestry(context: Context, vaultId: string, lock: Digest): Ancestry | undefined {
  try {
    return Ancestry.parse(readFileSync(ancestryFile(context, vaultId, lock)));
  } catch (error) {
    if (isSystemError(error) || error instanceof VaultError) return undefined;
    throw error;
  }
}

function readStored(context: Context, vaultId: string): StoredMemory | undefined {
  const file = memoryFile(context, vaultId);
  const stored = parsedOrDamaged(readOrNothing(file), file, (text) => parseMemory(text, vaultId));
  const formerFile = formerMemoryFile(context, vaultId);
  const formerText = readOrNothing(formerFile);
  if (formerText === undefined || stored?.former === digestOf(formerText)) return stored;
  const former = parsedOrDamaged(formerText, formerFile, (text) => parseFormerMemory(text, vaultId))!;
  return { ...joinFormer(stored ?? EMPTY_MEMORY, former), former: digestOf(formerText) };
}

function readOrNothing(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (isSystemError(error, "ENOENT", "ENOTDIR")) return undefined;
    if (!isSystemError(error)) throw error;
    throw new VaultError("DAMAGED", `${file} could not be read (${error.code}), and it holds what is remembered of this vault.`, {
      remedy: "Make it a file that you can read, and check the permissions of its folders.",
      cause: error,
    });
  }
}

/** To go on without a file that cannot be read would be to forget what protects from an old state. */
function parsedOrDamaged<T>(text: string | undefined, file: string, parse: (text: string) => T | undefined): T | undefined {
  if (text === undefined) return undefined;
  const parsed = parse(text);
  if (parsed) return parsed;
  throw new VaultError("DAMAGED", `${file} does not hold what is remembered of this vault.`, {
    remedy: "Restore it from a backup; or remove it, after comparing the vault's newest commit with an owner's.",
  });
}

function removeOldAncestries(context: Context, vaultId: string, memory: Memory): void {
  const kept = new Set(allStates(memory).map(({ lock }) => ancestryFile(context, vaultId, lock)));
  const folder = memoryFolder(context, vaultId);
  for (const name of readdirSync(folder)) {
    if (name.endsWith(ANCESTRY_ENDING) && !kept.has(join(folder, name))) rmSync(join(folder, name), { force: true });
  }
}

function isSame(a: StoredMemory, b: StoredMemory): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
