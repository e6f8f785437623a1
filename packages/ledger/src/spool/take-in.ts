import { renameSync, rmSync, statSync } from "node:fs";
import {
  closedName,
  damagedName,
  isProcessAlive,
  knownSpoolMachine,
  spoolFiles,
  VaultError,
  type Context,
  type Identity,
} from "@agent-vault/vault/read-only";
import {
  machineId,
  openState,
  processStart,
  provenWriter,
  SegmentDamagedError,
  SegmentReader,
  type OpenedHeader,
  type SegmentRow,
  type VaultState,
} from "@agent-vault/vault";
import type { LedgerDatabase } from "../database/database.js";
import { recordDamage, takeRows, type SegmentOrigin } from "./take-rows.js";
import type { TakenIn } from "./taken-in.js";

/** Where rows are taken from, and into what. */
export interface TakeInRequest {
  readonly context: Context;
  readonly database: LedgerDatabase;
  /** The vault's folder, and its id as the ledger has it. */
  readonly root: string;
  readonly vault: string;
  readonly identities: readonly Identity[];
}

/** Rows that go into one transaction. */
const BATCH_SIZE = 2000;
/** After so long a writer that cannot be asked whether it lives is taken for gone. */
const MAX_IDLE_MS = 3_600_000;

/**
 * Takes the rows of this machine's spool into the ledger, each once, and deletes the segments whose writers are gone.
 * @throws VaultError as `LedgerDatabase.write`, `LEDGER_NEWER`
 */
export async function takeInSpool(request: TakeInRequest): Promise<TakenIn> {
  const { context, vault } = request;
  const { segments } = spoolFiles(context, vault);
  return takeIn(request, segments, { isOwn: true });
}

/**
 * Takes the rows of segments of other machines into the ledger, each once. The files stay as they are.
 * @param files absolute paths of segments
 * @throws VaultError as {@link takeInSpool}, `FILE_NOT_FOUND`, `WRONG_VAULT`, `NOT_AUTHORIZED` where the identities do not open one
 */
export function collectSegments(request: TakeInRequest, files: readonly string[]): Promise<TakenIn> {
  return takeIn(request, files, { isOwn: false });
}

async function takeIn(request: TakeInRequest, files: readonly string[], { isOwn }: { readonly isOwn: boolean }): Promise<TakenIn> {
  const { context, identities, vault } = request;
  let [rows, locked] = [0, 0];
  const foreign: string[] = [];
  const damaged: VaultError[] = [];
  let state: Promise<VaultState> | undefined;
  for (const file of files) {
    const reader = await SegmentReader.open(file, identities).catch((error: unknown) => {
      if (!isOwn || !(error instanceof VaultError)) throw error;
      if (error.code === "NOT_AUTHORIZED") locked += 1;
      else if (error instanceof SegmentDamagedError) damaged.push(setAside(file, error));
      // Another process may have deleted it.
      else if (error.code !== "FILE_NOT_FOUND") throw error;
      return undefined;
    });
    if (!reader) continue;
    try {
      const { header } = reader;
      if (header.vault !== vault && !isOwn) throw otherVault(file);
      if (isOwn && (header.vault !== vault || header.machine !== knownSpoolMachine(context))) {
        foreign.push(file);
        continue;
      }
      const origin = await originOf(request, await (state ??= openState(context, request.root)), header);
      const taken = await takeUntilDamage(request, reader, origin);
      rows += taken.rows;
      if (taken.damage) {
        const { message } = taken.damage;
        damaged.push(taken.damage);
        await request.database.write((connection) => recordDamage(connection, vault, context.now(), origin, message));
        if (isOwn) setAside(file, taken.damage);
      } else if (isOwn) await removeTaken(request, file, header, origin);
    } finally {
      reader.close();
    }
  }
  return { rows, locked, foreign, damaged };
}

/** The rows of a segment that are new, and what is wrong with it; of a damaged one no number is known. */
async function takeUntilDamage(
  request: TakeInRequest,
  reader: SegmentReader,
  origin: SegmentOrigin,
): Promise<{ readonly rows: number; readonly damage?: SegmentDamagedError }> {
  try {
    return { rows: await takeSegment(request, reader, origin) };
  } catch (error) {
    if (!(error instanceof SegmentDamagedError)) throw error;
    return { rows: 0, damage: error };
  }
}

/** @returns how many rows are new @throws SegmentDamagedError after the rows before the one that was changed are taken */
async function takeSegment({ context, database, vault }: TakeInRequest, reader: SegmentReader, origin: SegmentOrigin): Promise<number> {
  let taken = 0;
  let failure: unknown;
  const rows = reader.rows();
  while (failure === undefined) {
    const batch: SegmentRow[] = [];
    try {
      // A loop that is left would end the generator, and the rest of the segment with it.
      for (let next = rows.next(); !next.done; next = rows.next()) {
        batch.push(next.value);
        if (batch.length === BATCH_SIZE) break;
      }
    } catch (error) {
      failure = error;
    }
    if (batch.length > 0) taken += await database.write((connection) => takeRows(connection, vault, context.now(), origin, batch));
    else if (failure === undefined) return taken;
    await new Promise((resume) => void setImmediate(resume));
  }
  throw failure;
}

async function originOf({ context, identities }: TakeInRequest, state: VaultState, header: OpenedHeader): Promise<SegmentOrigin> {
  const { segment, machine, identity } = header;
  const writer = await provenWriter(context, state, header, identities);
  return { segment, machine, identity, writer: writer && { name: writer.name } };
}

/**
 * Deletes a segment all of whose rows were taken and whose writer is gone. One of another machine or container, where that cannot be asked,
 * is closed to its writer first: whatever that has still written is taken then.
 */
async function removeTaken(request: TakeInRequest, file: string, header: OpenedHeader, origin: SegmentOrigin): Promise<void> {
  const { writer } = header;
  const isHere = writer.host === machineId();
  const isGone = isHere ? !isAlive(writer) : Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) > MAX_IDLE_MS;
  if (!isGone) return;
  const closed = closedName(file);
  try {
    renameSync(file, closed);
    const reader = await SegmentReader.open(closed, request.identities);
    try {
      if (reader) await takeSegment(request, reader, origin);
    } finally {
      reader?.close();
    }
    rmSync(closed, { force: true });
  } catch (error) {
    // A folder that cannot be written keeps its segments, whose rows are taken once all the same.
    if (error instanceof VaultError && error.code !== "FILE_NOT_FOUND") throw error;
  }
}

function isAlive({ pid, start }: OpenedHeader["writer"]): boolean {
  return isProcessAlive(pid) && [start, "0"].includes(processStart(pid) ?? "0");
}

/** Keeps what was found changed under another name, so that it is looked at once. */
function setAside(file: string, error: VaultError): VaultError {
  try {
    renameSync(file, damagedName(file));
  } catch {
    // It is reported again then.
  }
  return error;
}

function otherVault(file: string): VaultError {
  return new VaultError("WRONG_VAULT", `${file} is a segment of another vault's spool.`, {
    remedy: "Collect it in a repository with that vault.",
  });
}
