import { appendFileSync, closeSync, constants, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Context, isSystemError, VaultError, writeError } from "@agent-vault/vault/read-only";
import { type ScanFinding, quoted } from "./finding.js";
import { git } from "./git.js";

/** The file at the root of a repository that names findings that may be committed: above all known test keys. */
export const ALLOW_FILE = ".agent-vault-allow";

/** What an allow file allows. */
export interface Allowed {
  readonly fingerprints: ReadonlySet<string>;
  readonly paths: ReadonlySet<string>;
}

/** Which findings were allowed, and which cannot be: unencrypted secrets and links have to be fixed. */
export interface AllowResult {
  /** Absolute path of the allow file. */
  readonly file: string;
  readonly allowed: readonly ScanFinding[];
  readonly refused: readonly ScanFinding[];
}

/**
 * Reads an allow file. Its lines are `sha256:FINGERPRINT  comment` for a key, `path:PATH` for a stray file in a vault
 * (the rest of the line, or a JSON string), and comments that start with `#`. Any other line allows nothing.
 */
export function parseAllowed(text: string): Allowed {
  const fingerprints = new Set<string>();
  const paths = new Set<string>();
  for (const line of text.split(/\r?\n/)) {
    const fingerprint = /^\s*sha256:([0-9a-f]{64})(?:\s|$)/i.exec(line)?.[1];
    if (fingerprint !== undefined) fingerprints.add(fingerprint.toLowerCase());
    const path = /^\s*path:(.*)$/.exec(line)?.[1]?.trim();
    if (path) paths.add(path.startsWith('"') ? unquoted(path) : path);
  }
  return { fingerprints, paths };
}

/** Whether an allow file allows a finding. */
export function isAllowed(allowed: Allowed, finding: ScanFinding): boolean {
  if (finding.fingerprint !== undefined) return allowed.fingerprints.has(finding.fingerprint);
  return finding.kind === "stray-in-vault" && allowed.paths.has(finding.file);
}

/** The allow file of a work tree, as it is on the disk. */
export function readAllowed(root: string): Allowed {
  try {
    return parseAllowed(readFileSync(join(root, ALLOW_FILE), "utf8"));
  } catch (error) {
    if (isSystemError(error, "ENOENT", "ENOTDIR", "EISDIR")) return parseAllowed("");
    throw error;
  }
}

/**
 * Adds findings to the repository's allow file, each once. The hook reads that file from the index, so it counts when it is staged.
 * @throws VaultError `REPOSITORY_NOT_FOUND`, `UNWRITABLE`, `DISK_FULL`, `LINK_IN_VAULT` where the allow file is a symbolic link.
 */
export async function allowFindings(context: Context, cwd: string, findings: readonly ScanFinding[]): Promise<AllowResult> {
  const root = (await git(context, cwd, ["rev-parse", "--show-toplevel"])).toString("utf8").replace(/\r?\n$/, "");
  const file = join(root, ALLOW_FILE);
  const known = readAllowed(root);
  const lines = new Map<string, string>();
  const refused: ScanFinding[] = [];
  for (const finding of findings) {
    const entry = entryFor(finding);
    if (!entry) refused.push(finding);
    else if (!isAllowed(known, finding) && !lines.has(entry.key)) lines.set(entry.key, entry.line);
  }
  if (lines.size > 0) append(file, [...lines.values()]);
  return { file, allowed: findings.filter((finding) => !refused.includes(finding)), refused };
}

function entryFor(finding: ScanFinding): { key: string; line: string } | undefined {
  if (finding.fingerprint !== undefined) {
    const key = `sha256:${finding.fingerprint}`;
    return { key, line: `${key}  ${finding.kind} in ${quoted(finding.file)}` };
  }
  if (finding.kind !== "stray-in-vault") return undefined;
  const key = `path:${quoted(finding.file)}`;
  return { key, line: key };
}

function append(file: string, lines: readonly string[]): void {
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | (constants.O_NOFOLLOW ?? 0), 0o644);
  } catch (error) {
    if (isSystemError(error, "ELOOP", "EMLINK")) {
      throw new VaultError("LINK_IN_VAULT", `${ALLOW_FILE} is a symbolic link, so nothing was written to it.`, {
        remedy: "Replace it with a file.",
      });
    }
    throw writeError(error, ALLOW_FILE);
  }
  try {
    const text = readFileSync(descriptor, "utf8");
    appendFileSync(descriptor, `${text === "" || text.endsWith("\n") ? "" : "\n"}${lines.join("\n")}\n`);
  } catch (error) {
    throw writeError(error, ALLOW_FILE);
  } finally {
    closeSync(descriptor);
  }
}

function unquoted(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "string" ? value : text;
  } catch {
    return text;
  }
}
