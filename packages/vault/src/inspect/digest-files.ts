import { join } from "node:path";
import type { FileSource } from "../files/vault-folder.js";
import type { Finding } from "./finding.js";
import { shellWord } from "../text/shell-word.js";
import { digestOf, type Digest } from "../lock/digest.js";
import { isSigned } from "../lock/signed-files.js";

/** Finds private keys in the bytes of a file. */
export type KeyFinder = (bytes: Uint8Array) => readonly { readonly line: number }[];

/** What reading every file of a vault came to. */
export interface DigestedFiles {
  /** Of the files that belong in a vault. */
  readonly digests: ReadonlyMap<string, Digest>;
  /** Private keys in the clear, in whatever file. */
  readonly findings: readonly Finding[];
}

/** More than git hosts take; a larger file is not read to its end, and is not what anybody signed. */
const MAX_FILE_BYTES = 256 * 1024 * 1024;

/** Reads every file of a vault, one after the other, since all of them together may be more than fits into memory. */
export function digestFiles(source: FileSource, findKeys: KeyFinder = () => []): DigestedFiles {
  const digests = new Map<string, Digest>();
  const findings: Finding[] = [];
  for (const { file, kind } of source.walk()) {
    const bytes = kind === "file" ? source.read(file, MAX_FILE_BYTES + 1) : undefined;
    if (!bytes) continue;
    if (isSigned(file)) digests.set(file, digestOf(bytes.length > MAX_FILE_BYTES ? "" : bytes));
    for (const { line } of findKeys(bytes)) {
      findings.push({
        severity: "error",
        kind: "key-material",
        subject: file,
        message: `${file}:${line} holds a private key in the clear, so whoever can read the repository has it.`,
        remedy: `Replace that key where it is used, then rm ${shellWord(join(source.root, file))}`,
        file,
        line,
      });
    }
  }
  return { digests, findings };
}
