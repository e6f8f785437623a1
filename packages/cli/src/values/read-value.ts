import { closeSync, openSync, readSync } from "node:fs";
import process from "node:process";
import { isSystemError, resolvePath, valueTooLarge, VaultError, type Context, type SetRequest } from "@agent-vault/vault";
import { readStandardInput } from "../terminal/standard-input.js";
import { terminal } from "../terminal/terminal.js";
import { generateValue } from "./generate-value.js";

/** Where `set` takes the value from. */
export interface ValueSource {
  /** What is on the command line; `-` means standard input. */
  readonly value?: string | undefined;
  readonly "from-file"?: string | undefined;
  readonly generate: boolean;
  /** Characters of a generated value. */
  readonly length: number;
  readonly "keep-value": boolean;
  /** Whether the final newline of standard input belongs to the value. */
  readonly exact: boolean;
  /** Whether the value may be empty. */
  readonly empty: boolean;
}

/**
 * Reads the value of a secret, or prepares to ask for it, which comes after all that may fail.
 * @param limit bytes of the largest value that the vault takes
 * @returns `undefined` to keep the present value
 * @throws VaultError `USAGE` for more than one source, `VALUE_REQUIRED`, `VALUE_TOO_LARGE`, `FILE_NOT_FOUND`
 */
export async function readValue(context: Context, source: ValueSource, limit: number): Promise<SetRequest["value"]> {
  requireOneSource(source);
  const { value, "from-file": file, empty } = source;
  if (source["keep-value"]) return undefined;
  if (source.generate) return encode(generateValue(context, source.length));
  if (file !== undefined) return readValueFile(resolvePath(context, file), limit);
  if (value !== undefined && value !== "-") return encode(value);
  if (terminal.canAsk()) return async () => requireValue(encode(await terminal.askValue("Value (does not show): ")), empty);
  return requireValue(process.stdin.isTTY ? new Uint8Array() : await readStandardInput(source.exact, limit), empty);
}

function requireOneSource(source: ValueSource): void {
  const given = [
    source.value !== undefined && "a value",
    source["from-file"] !== undefined && "--from-file",
    source.generate && "--generate",
    source["keep-value"] && "--keep-value",
  ].filter(Boolean);
  if (given.length <= 1) return;
  throw new VaultError("USAGE", `The value is given more than once: ${given.join(" and ")}.`, { remedy: "Use only one of them." });
}

/** An empty value has to be asked for: a command that failed, or a variable that is not set, pipes one in as well. */
function requireValue(value: Uint8Array, mayBeEmpty: boolean): Uint8Array {
  if (value.length > 0 || mayBeEmpty) return value;
  throw new VaultError("VALUE_REQUIRED", "No value was typed or piped in.", {
    remedy: "Pipe it in (printf %s ... | agent-vault set PATH), or use --from-file FILE or --generate. For an empty value, add --empty.",
  });
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Reads no more than the limit, since a device or a pipe may have no end. */
function readValueFile(file: string, limit: number): Uint8Array {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, "r");
    const bytes = Buffer.alloc(limit + 1);
    let length = 0;
    for (let read = 1; read > 0 && length <= limit; length += read) read = readSync(descriptor, bytes, length, bytes.length - length, null);
    if (length > limit) throw valueTooLarge(limit);
    return bytes.subarray(0, length);
  } catch (cause) {
    if (!isSystemError(cause)) throw cause;
    const why = cause.code === "ENOENT" || cause.code === "ENOTDIR" ? "does not exist" : `could not be read (${cause.code})`;
    throw new VaultError("FILE_NOT_FOUND", `${file} ${why}.`, { remedy: "Check the path given with --from-file.", cause });
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
