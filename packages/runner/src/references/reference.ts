import { parseSecretPath, VaultError, type SecretPath } from "@agent-vault/vault/read-only";

/** What every reference begins with. */
export const SCHEME = "vault://";

/** Text, or a secret whose value goes there. */
export type TemplatePart = string | { readonly secret: SecretPath };

/** A place in a file, both from 1. */
export interface ReferencePosition {
  readonly line: number;
  readonly column: number;
}

/** Makes the error for what is wrong with a reference, in a clause. */
export type Refusal = (problem: string) => VaultError;

/** The secret that a reference names. @param path what comes after `vault://` @throws what `refusal` makes */
export function parseReference(path: string, refusal: Refusal): SecretPath {
  try {
    return parseSecretPath(path);
  } catch {
    throw refusal(`${SCHEME}${path} is not the name of a secret`);
  }
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
