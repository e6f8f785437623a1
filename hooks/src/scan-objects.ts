import type { Context } from "@agent-vault/vault/read-only";
import { type Allowed, isAllowed, parseAllowed } from "./allow.js";
import { Content, type ContentPlace } from "./content.js";
import type { ScanFinding } from "./finding.js";
import { readObjects } from "./git.js";
import { LINK, SUBMODULE, type IndexEntry } from "./index-entries.js";
import { checkVaultLink, checkVaultSubmodule } from "./vault-file.js";

/** An object of git, and where it is. */
export interface ScannedObject extends IndexEntry {
  /** The commit that has it there; not given for the index. The object of a commit's message is the commit. */
  readonly commit?: string;
}

/** How many objects are scanned between two reports of progress. */
const PROGRESS_INTERVAL = 256;
const BLANK_LINE = Buffer.from("\n\n");

/**
 * Scans objects, each once however often it is there.
 * @param allowFile the object of the allow file that counts, as `:PATH` or `COMMIT:PATH`
 * @throws VaultError `GIT_FAILED`
 */
export async function scanObjects(
  context: Context,
  cwd: string,
  listing: Promise<readonly ScannedObject[]>,
  allowFile: string | undefined,
): Promise<ScanFinding[]> {
  const findings: ScanFinding[] = [];
  const places = new Map<string, ContentPlace[]>();
  const allowFileChunks: Uint8Array[] = [];

  const objects = listing.then((entries) => {
    const seen = new Set<string>();
    for (const { file, mode, object, commit } of entries) {
      // The first commit that has a file says it; the following ones have it still.
      if (commit !== undefined && seen.has(`${object} ${file}`)) continue;
      seen.add(`${object} ${file}`);
      const place = { file, ...(commit === undefined ? {} : { commit }) };
      if (mode === SUBMODULE || mode === LINK) {
        const found = mode === LINK ? checkVaultLink(file) : checkVaultSubmodule(file);
        findings.push(...found.map((finding) => ({ ...finding, ...place })));
      }
      if (mode === SUBMODULE) continue;
      const known = places.get(object);
      if (known) known.push(place);
      else places.set(object, [place]);
    }
    return [...(allowFile === undefined ? [] : [allowFile]), ...places.keys()];
  });
  let done = 0;
  await readObjects(context, cwd, objects, (name) => {
    if (name === allowFile) return { push: (bytes) => allowFileChunks.push(bytes), end: () => {} };
    const content = new Content();
    const isMessage = places.get(name)!.some(({ file }) => file === "");
    const header: Uint8Array[] = [];
    return {
      push: (bytes) => (isMessage ? header.push(bytes) : content.push(bytes)),
      end: () => {
        if (isMessage) content.push(messageOf(Buffer.concat(header)));
        findings.push(...content.findings(places.get(name)!));
        if (++done % PROGRESS_INTERVAL === 0) context.progress?.({ step: "scan", done, total: places.size });
      },
    };
  });
  return notAllowed(findings, parseAllowed(Buffer.concat(allowFileChunks).toString("utf8")));
}

/** What a commit says, without its header. */
function messageOf(commit: Buffer): Buffer {
  const end = commit.indexOf(BLANK_LINE);
  return end < 0 ? Buffer.alloc(0) : commit.subarray(end + BLANK_LINE.length);
}

/** The findings that the allow file does not allow, sorted. */
export function notAllowed(findings: readonly ScanFinding[], allowed: Allowed): ScanFinding[] {
  return findings
    .filter((finding) => !isAllowed(allowed, finding))
    .toSorted((a, b) => (a.file === b.file ? (a.line ?? 0) - (b.line ?? 0) : a.file < b.file ? -1 : 1));
}
