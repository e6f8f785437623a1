import type { VaultState } from "../files/vault-state.js";
import { classify, type VaultFile } from "../format/layout.js";
import { removal } from "./damage.js";
import type { Finding } from "./finding.js";

/** Sorts the entries of a vault's folder: files that belong there, and findings for all else. */
export function inspectFiles(state: VaultState): { files: ReadonlyMap<string, VaultFile>; findings: Finding[] } {
  const files = new Map<string, VaultFile>();
  const findings: Finding[] = [];
  const add = (severity: Finding["severity"], kind: Finding["kind"], file: string, message: string) =>
    findings.push({ severity, kind, subject: file, message, remedy: removal(state, file), file });
  for (const { file, kind } of state.source.walk()) {
    const found = classify(file);
    if (kind === "link") add("error", "link", file, `${file} is a link, and links in a vault are never followed.`);
    else if (kind === "other") add("error", "stray", file, `${file} is not a regular file.`);
    else if (found.kind !== "stray") files.set(file, found);
    else if (/\.(enc|meta|escrow)$/.test(file)) add("warning", "name", file, `${file} does not have a valid name.`);
    else add("warning", "stray", file, `${file} does not belong in a vault.`);
  }
  return { files, findings };
}
