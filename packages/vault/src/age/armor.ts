import { invalidFile } from "./invalid-file.js";

const BEGIN = "-----BEGIN AGE ENCRYPTED FILE-----";
const END = "-----END AGE ENCRYPTED FILE-----";
const COLUMNS = 64;

/** Whether `bytes` start, after white space, as an age file in ASCII armor does (C2SP age.md, "ASCII armor"). */
export function isArmored(bytes: Uint8Array): boolean {
  const start = bytes.findIndex((byte) => byte !== 0x20 && (byte < 0x09 || byte > 0x0d));
  return start >= 0 && Buffer.from(bytes.subarray(start, start + BEGIN.length)).toString("latin1") === BEGIN;
}

/** An age file as binary: the very same bytes, or what its armor holds. @throws VaultError `DAMAGED` */
export function withoutArmor(file: Uint8Array): Uint8Array {
  if (!isArmored(file)) return file;
  const lines = Buffer.from(file.buffer, file.byteOffset, file.byteLength).toString("latin1").trim().split(/\r?\n/);
  const body = lines.slice(1, -1);
  const last = body.at(-1);
  const full = body.slice(0, -1).every((line) => line.length === COLUMNS);
  const bytes = Buffer.from(body.join(""), "base64");
  if (lines[0] !== BEGIN || lines.at(-1) !== END || !last || last.length > COLUMNS || !full || bytes.toString("base64") !== body.join(""))
    throw invalidFile("its ASCII armor is invalid");
  return bytes;
}
