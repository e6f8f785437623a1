import type { SecretPath } from "@agent-vault/vault/read-only";
import { filtered } from "./filters.js";
import { parseClosing, positionsIn, refusalAt, type SecretReference } from "./reference.js";

/** A file with `{{ vault://group/name }}` where values go, with filters after a `|`. */
export interface Template {
  /** The secrets that it names, each once. */
  readonly secrets: readonly SecretPath[];
  /** All references in it, with their filters. */
  readonly references: readonly SecretReference[];
  /** The file with each value in its place, byte for byte; what a value holds is not looked at. @param values of all `secrets` */
  filledWith(values: ReadonlyMap<SecretPath, Uint8Array>): Uint8Array;
}

/** The beginning of a reference in braces; all other braces are text. */
const OPENING = /\{\{[ \t]*vault:\/\//g;

/**
 * Reads a template, of text or of any bytes.
 * @param file names it in errors
 * @throws VaultError `INVALID_REFERENCE` with line and column
 */
export function parseTemplate(bytes: Uint8Array, file: string): Template {
  // A character a byte, so that offsets in the one are offsets in the other.
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  const placeOf = positionsIn(text);
  const parts: (Uint8Array | SecretReference)[] = [];
  let end = 0;
  for (const opening of text.matchAll(OPENING)) {
    const refusal = refusalAt(file, placeOf(opening.index));
    const closing = parseClosing(text, opening.index + opening[0].length, refusal);
    parts.push(bytes.subarray(end, opening.index), closing.reference);
    end = closing.end;
  }
  parts.push(bytes.subarray(end));
  const references = parts.flatMap((part) => ("secret" in part ? [part] : []));
  return {
    secrets: [...new Set(references.map(({ secret }) => secret))],
    references,
    filledWith: (values) => new Uint8Array(Buffer.concat(parts.map((part) => ("secret" in part ? valueOf(part, values) : part)))),
  };
}

function valueOf({ secret, filters }: SecretReference, values: ReadonlyMap<SecretPath, Uint8Array>): Uint8Array {
  const value = values.get(secret);
  if (!value) throw new TypeError(`no value was given for ${secret}`);
  return filtered(value, filters, secret);
}
