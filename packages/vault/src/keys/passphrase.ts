import { closeSync, readSync } from "node:fs";
import type { Context } from "../context.js";
import { isSystemError, VaultError } from "../errors.js";
import { outputOf } from "./key-program.js";

/** Gives the passphrase of a key file or of another protected file, which it may show to a person. */
export type PassphraseSource = (file: string) => Promise<string>;

/** The variable that names a program which asks for passphrases. */
const ASKPASS_VARIABLE = "AGENT_VAULT_ASKPASS";
/** A person may be asked by it. */
const ASKPASS_TIMEOUT_MS = 300_000;
const MAX_PASSPHRASE_BYTES = 4096;
const RETRY_MS = 20;
const READ_TIMEOUT_MS = 10_000;

/**
 * Where a passphrase comes from that nobody types: a file descriptor, else the program that `AGENT_VAULT_ASKPASS` names.
 * @param descriptor its first line is the passphrase. It is read now, as what follows on standard input is the command's.
 * @returns `undefined` where there is neither
 * @throws VaultError `USAGE` for a descriptor that cannot be read; `PASSPHRASE_REQUIRED` for an empty line
 */
export function unattendedPassphrase(context: Pick<Context, "env" | "cwd">, descriptor?: number): PassphraseSource | undefined {
  if (descriptor !== undefined) {
    if (!Number.isInteger(descriptor) || descriptor < 0 || descriptor > 1_048_576) throw notADescriptor();
    const passphrase = readLine(descriptor);
    return async () => passphrase;
  }
  const program = context.env[ASKPASS_VARIABLE];
  if (!program) return undefined;
  return async (file) => {
    const output = await outputOf(context, {
      words: [program, `Passphrase for ${file}: `],
      variable: ASKPASS_VARIABLE,
      code: "PASSPHRASE_REQUIRED",
      timeoutMs: ASKPASS_TIMEOUT_MS,
    });
    return firstLine(Buffer.from(output).toString("utf8"));
  };
}

/** Reads no further than the line, since a command's value may follow it on standard input. */
function readLine(descriptor: number): string {
  const bytes: number[] = [];
  const byte = Buffer.alloc(1);
  const until = performance.now() + READ_TIMEOUT_MS;
  while (bytes.length <= MAX_PASSPHRASE_BYTES) {
    try {
      if (readSync(descriptor, byte, 0, 1, null) === 0 || byte[0] === 0x0a) break;
      bytes.push(byte[0]!);
    } catch (error) {
      if (isSystemError(error, "EOF")) break;
      if (!isSystemError(error, "EAGAIN") || performance.now() > until) throw notADescriptor();
      // A pipe whose writer has not written yet, and that does not wait by itself.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
  // No program that is started later can read what is left.
  if (descriptor > 2) closeSync(descriptor);
  return firstLine(Buffer.from(bytes).toString("utf8"));
}

function firstLine(text: string): string {
  const [line] = text.split(/\r?\n|\r$/, 1);
  if (line) return line;
  throw new VaultError("PASSPHRASE_REQUIRED", "The passphrase that was given is empty.", {
    remedy: "Write it as one line to the file descriptor, or have the program print it.",
  });
}

function notADescriptor(): VaultError {
  return new VaultError("USAGE", "The passphrase cannot be read from that file descriptor.", {
    remedy: "Open it first, for example: agent-vault --passphrase-fd 3 get PATH 3< FILE.",
  });
}
