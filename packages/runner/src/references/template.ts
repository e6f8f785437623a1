import type { SecretPath } from "@agent-vault/vault/read-only";
import { parseReference, positionsIn, refusalAt, SCHEME } from "./reference.js";

/** A file with `{{ vault://group/name }}` where values go. */
export interface Template {
  /** The secrets that it names, each once. */
  readonly secrets: readonly SecretPath[];
  /** The file with each value in its place, byte for byte; what a value holds is not looked at. @param values of all `secrets` */
  filledWith(values: ReadonlyMap<SecretPath, Uint8Array>): Uint8Array;
}

/** The beginning of a reference in braces; all other braces are text. */
const OPENING = /\{\{[ \t]*vault:\/\//g;
/** The rest of it: a path with nothing else before the braces close. */
export const CLOSING = /([A-Za-z0-9._/-]*)[ \t]*\}\}/y;

/**
 * Reads a template, of text or of any bytes.
 * @param file names it in errors
 * @throws VaultError `INVALID_REFERENCE` with line and column
 */
export function parseTemplate(bytes: Uint8Array, file: string): Template {
  // A character a byte, so that offsets in the one are offsets in the other.
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  const placeOf = positionsIn(text);
  const parts: (Uint8Array | SecretPath)[] = [];
  let end = 0;
  for (const opening of text.matchAll(OPENING)) {
    const refusal = refusalAt(file, placeOf(opening.index));
    CLOSING.lastIndex = opening.index + opening[0].length;
    const closing = CLOSING.exec(text);
    if (!closing) throw refusal(`${SCHEME} is not followed by a secret's name and }}`);
    parts.push(bytes.subarray(end, opening.index), parseReference(closing[1]!, refusal));
    end = CLOSING.lastIndex;
  }
  parts.push(bytes.subarray(end));
  return {
    secrets: [...new Set(parts.filter((part) => typeof part === "string"))],
    filledWith: (values) => new Uint8Array(Buffer.concat(parts.map((part) => (typeof part === "string" ? valueOf(part, values) : part)))),
  };
}

function valueOf(secret: SecretPath, values: ReadonlyMap<SecretPath, Uint8Array>): Uint8Array {
  const value = values.get(secret);
  if (!value) throw new TypeError(`no value was given for ${secret}`);
  return value;
}
