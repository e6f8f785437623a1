import { parseFilters, type Filter, type Refusal } from "./filters.js";
import { parseSecretPath, VaultError, type SecretPath } from "@agent-vault/vault/read-only";

/** What every reference begins with. */
export const SCHEME = "vault://";

/** The rest of a reference in braces: a path, and filters, before the braces close. */
const CLOSING = /([A-Za-z0-9._/-]*)([^{}\n]*)\}\}/y;

/** Text, or a secret whose value goes there, through filters where some are named. */
export type TemplatePart = string | SecretReference;

/** A secret that a text names, and how its value is written there. */
export interface SecretReference {
  readonly secret: SecretPath;
  readonly filters?: readonly Filter[];
  /** The filters as they were written, such as ` | json`, for a person. */
  readonly filterText?: string;
}

/** A place in a file, both from 1. */
export interface ReferencePosition {
  readonly line: number;
  readonly column: number;
}

/** The secret that a reference names. @param path what comes after `vault://` @throws what `refusal` makes */
export function parseReference(path: string, refusal: Refusal): SecretPath {
  try {
    return parseSecretPath(path);
  } catch {
    throw refusal(`${SCHEME}${path} is not the name of a secret`);
  }
}

/**
 * Reads the rest of a reference in braces.
 * @param offset where its path begins in the text
 * @returns the secret with its filters, and where the braces end
 * @throws what `refusal` makes
 */
export function parseClosing(text: string, offset: number, refusal: Refusal): { reference: SecretReference; end: number } {
  CLOSING.lastIndex = offset;
  const [whole, path, rest] = CLOSING.exec(text) ?? [];
  if (whole === undefined) throw refusal(`${SCHEME} is not followed by a secret's name and }}`);
  const filters = parseFilters(rest!, refusal);
  const secret = parseReference(path!, refusal);
  return { reference: filters.length === 0 ? { secret } : { secret, filters, filterText: rest!.trimEnd() }, end: offset + whole.length };
}

/** Refuses references at a position of a file. */
export function refusalAt(file: string, { line, column }: ReferencePosition): Refusal {
  return (problem) =>
    new VaultError("INVALID_REFERENCE", `${file}, line ${line}, column ${column}: ${problem}.`, {
      remedy: "A reference is vault://GROUP/NAME; write {{ vault://GROUP/NAME }} where letters or digits follow the name.",
    });
}

/** Tells the positions of a text's offsets. */
export function positionsIn(text: string): (offset: number) => ReferencePosition {
  const starts = [0, ...Array.from(text.matchAll(/\n/g), ({ index }) => index + 1)];
  return (offset) => {
    let [line, after] = [0, starts.length];
    while (after - line > 1) {
      const middle = (line + after) >> 1;
      if (starts[middle]! <= offset) line = middle;
      else after = middle;
    }
    return { line: line + 1, column: offset - starts[line]! + 1 };
  };
}

/** The secrets among parts, each once. */
export function secretsIn(parts: Iterable<TemplatePart>): SecretPath[] {
  return [...new Set([...parts].flatMap((part) => (typeof part === "string" ? [] : [part.secret])))];
}
