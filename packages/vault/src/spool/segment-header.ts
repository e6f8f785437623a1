import { createHmac, timingSafeEqual } from "node:crypto";
import type { Identity } from "../age/identity.js";
import type { Recipient } from "../age/recipient.js";
import { newerSpool } from "./spool-row.js";

/** Who writes a segment. */
export interface SegmentWriter {
  readonly pid: number;
  /** When the process began, as `processStart` has it; `0` where that is not known. */
  readonly start: string;
  /** The machine and the space of process ids, as `machineId` has it. */
  readonly host: string;
}

/** What the first line of a segment holds. */
export interface SegmentHeader {
  /** The vault's id. */
  readonly vault: string;
  /** 32 hexadecimal digits. */
  readonly segment: string;
  /** The key of its rows, 32 bytes. */
  readonly key: Uint8Array;
  /** The home folder that it was written in, as `spoolMachine` names it. */
  readonly machine: string;
  readonly writer: SegmentWriter;
  /** RFC 3339, UTC. */
  readonly started: string;
  /** The recipient of the identity that was used, `age1…`. */
  readonly identity: string;
}

/** A header that was opened. `proof` shows that its writer had the identity which it names; empty where there is none. */
export interface OpenedHeader extends SegmentHeader {
  readonly proof: string;
}

const FORMAT = "avspool1";
const LINE = /^avspool([0-9]+) ([0-9A-Za-z-]{8,64}) ([0-9a-f]{32}) ([A-Za-z0-9+/]+={0,2})$/;
const INFO = "agent-vault/v1/spool";

/**
 * The first line of a segment, without its line feed: an age file to the owners and the identity at work.
 * @param prover the identity that is at work, where a key can be derived from it
 * @throws VaultError `MIXED_RECIPIENTS`, `INVALID_RECIPIENT`
 */
export async function sealHeader(header: SegmentHeader, recipients: readonly Recipient[], prover: Identity | undefined): Promise<string> {
  const { encrypt } = await import("../age/encrypt.js");
  const { vault, segment } = header;
  const file = await encrypt(Buffer.from(formatHeader(header, prover ? proofOf(header, prover) : "")), recipients);
  return `${FORMAT} ${vault} ${segment} ${Buffer.from(file).toString("base64")}`;
}

/** What a header's age file holds: one line of JSON. */
export function formatHeader({ key, machine, writer: { pid, start, host }, started, identity }: SegmentHeader, proof: string): string {
  return JSON.stringify({ key: encode(key), machine, writer: { pid, start, host }, started, identity, proof });
}

/** The vault and segment that a first line names, before it is opened. @returns `undefined` where it is none @throws VaultError `LEDGER_NEWER` */
export function readHeaderLine(line: string): { readonly vault: string; readonly segment: string; readonly file: Uint8Array } | undefined {
  const [, format, vault, segment, file] = LINE.exec(line) ?? [];
  if (format === undefined) return undefined;
  if (`avspool${format}` !== FORMAT) throw newerSpool();
  return { vault: vault!, segment: segment!, file: Buffer.from(file!, "base64") };
}

/**
 * Opens a first line.
 * @returns `undefined` where what it holds is no header
 * @throws VaultError `NOT_AUTHORIZED` where it is encrypted to others, `DAMAGED`, `LEDGER_NEWER`
 */
export async function openHeader(line: string, identities: readonly Identity[]): Promise<OpenedHeader | undefined> {
  const read = readHeaderLine(line);
  if (!read) return undefined;
  const { decrypt } = await import("../age/decrypt.js");
  return parseHeader(read.vault, read.segment, Buffer.from(await decrypt(read.file, identities)).toString("utf8"));
}

/** Whether the holder of an identity wrote a header. */
export function isProvenBy(header: OpenedHeader, identity: Identity): boolean {
  const [given, right] = [Buffer.from(header.proof, "base64"), Buffer.from(proofOf(header, identity), "base64")];
  return given.length === right.length && timingSafeEqual(given, right);
}

function proofOf(header: SegmentHeader, identity: Identity): string {
  const { vault, segment } = header;
  const text = `${FORMAT} ${vault} ${segment}\n${formatHeader(header, "")}`;
  return createHmac("sha256", identity.deriveKey(INFO, vault)).update(text).digest("base64");
}

function parseHeader(vault: string, segment: string, text: string): OpenedHeader | undefined {
  try {
    const { key: encoded, machine, writer, started, identity, proof } = JSON.parse(text) as Record<string, unknown>;
    const key = Buffer.from(encoded as string, "base64");
    const { pid, start, host } = writer as Record<string, unknown>;
    const isWhole =
      key.length === 32 &&
      Number.isSafeInteger(pid) &&
      [machine, start, host, started, identity, proof].every((one) => typeof one === "string");
    if (!isWhole) return undefined;
    const opened = { vault, segment, key: new Uint8Array(key), machine, writer: { pid, start, host }, started, identity, proof };
    return opened as OpenedHeader;
  } catch {
    return undefined;
  }
}

function encode(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
