import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Context } from "../context.js";
import { replaceFile } from "../disk/atomic-file.js";
import { withWriteLockSync } from "../disk/write-lock.js";
import { isSystemError, NO_HOME, VaultError } from "../errors.js";
import { Ancestry } from "../lock/ancestry.js";
import { digestOf, type Digest } from "../lock/digest.js";
import { joinFormer, parseFormerMemory } from "./former-memory.js";
import { allStates, allStatesOnHome, EMPTY_MEMORY, type Memory } from "./memory.js";
import { parseMemory, type StoredMemory } from "./memory-file.js";

/** The absolute path of the folder in which this machine remembers a vault. */
export const memoryFolder = (context: Context, vaultId: string): string => join(context.home, "trust", vaultId);
/** The absolute path of the file of that memory. */
export const memoryFile = (context: Context, vaultId: string): string => join(memoryFolder(context, vaultId), "memory.json");
/** The absolute path of the file in which agent-vault 0.2.0 remembers a vault. */
export const formerMemoryFile = (context: Context, vaultId: string): string => join(context.home, "trust", `${vaultId}.json`);

/** The files of one vault's memory that hold the states behind those that are remembered. */
const ANCESTRY_ENDING = ".states";
/** Those that hold what judges uses of the main branches' states. */
const RULES_ENDING = ".rules";
const stateFile = (context: Context, vaultId: string, lock: Digest, ending: string): string =>
  join(memoryFolder(context, vaultId), `${lock.slice("sha256:".length)}${ending}`);

/** What is remembered of a state beside the memory's own file. */
export interface StateBeside {
  readonly lock: Digest;
  /** All states behind it; `undefined` where they are not known. */
  readonly ancestry: Ancestry | undefined;
  /** What judges uses of it, for a state of a main branch. */
  readonly rules?: Uint8Array | undefined;
}

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
 * @param beside of the state that is new
 * @throws VaultError `DAMAGED`, `BUSY`
 */
export function updateMemory(context: Context, vaultId: string, change: (memory: Memory) => Memory, beside?: StateBeside): void {
  const folder = memoryFolder(context, vaultId);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    withWriteLockSync(context, folder, () => {
      const before = readStored(context, vaultId) ?? EMPTY_MEMORY;
      const after: StoredMemory = { ...before, ...change(before) };
      const isKnown = isSame(after, before) && existsSync(memoryFile(context, vaultId));
      const write = (ending: string, bytes: Uint8Array | undefined) =>
        bytes && replaceFile(stateFile(context, vaultId, beside!.lock, ending), bytes, { durable: true });
      write(RULES_ENDING, beside?.rules);
      if (!isKnown) {
        write(ANCESTRY_ENDING, beside?.ancestry?.toBytes());
        const text = `${JSON.stringify({ version: 2, vault: vaultId, ...after }, null, 2)}\n`;
        replaceFile(memoryFile(context, vaultId), text, { durable: true });
      }
      removeOldFiles(context, vaultId, after);
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
    return Ancestry.parse(readFileSync(stateFile(context, vaultId, lock, ANCESTRY_ENDING)));
  } catch (error) {
    if (isSystemError(error) || error instanceof VaultError) return undefined;
    throw error;
  }
}

/** What was kept of the rules of a main branch's state, unverified; `undefined` where nothing was. */
export function keptRules(context: Context, vaultId: string, lock: Digest): Uint8Array | undefined {
  try {
    return readFileSync(stateFile(context, vaultId, lock, RULES_ENDING));
  } catch (error) {
    if (isSystemError(error)) return undefined;
    throw error;
  }
}

/** Whether the rules of a state were kept; `false` where they could not be, `undefined` where nobody tried. */
export function hasKeptRules(context: Context, vaultId: string, lock: Digest): boolean | undefined {
  try {
    return statSync(stateFile(context, vaultId, lock, RULES_ENDING)).size > 0;
  } catch (error) {
    if (isSystemError(error)) return undefined;
    throw error;
  }
}

/** Removes rules that are not what was written, so that the next read of the main branch keeps them again. */
export function dropRules(context: Context, vaultId: string, lock: Digest): void {
  try {
    rmSync(stateFile(context, vaultId, lock, RULES_ENDING), { force: true });
  } catch (error) {
    if (!isSystemError(error)) throw error;
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

/** Removes what is beside states that are not among the newest any more. */
function removeOldFiles(context: Context, vaultId: string, memory: Memory): void {
  const ancestries = allStates(memory).map(({ lock }) => stateFile(context, vaultId, lock, ANCESTRY_ENDING));
  const rules = allStatesOnHome(memory).map(({ lock }) => stateFile(context, vaultId, lock, RULES_ENDING));
  const kept = new Set([...ancestries, ...rules]);
  const folder = memoryFolder(context, vaultId);
  const isOurs = (name: string) => name.endsWith(ANCESTRY_ENDING) || name.endsWith(RULES_ENDING);
  for (const name of readdirSync(folder)) if (isOurs(name) && !kept.has(join(folder, name))) rmSync(join(folder, name), { force: true });
}

function isSame(a: StoredMemory, b: StoredMemory): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
