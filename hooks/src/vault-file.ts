import { classify, VAULT_FOLDER } from "@agent-vault/vault/read-only";
import { type ScanFinding, quoted } from "./finding.js";

/** https://age-encryption.org/v1, and its armored form. */
const AGE_HEADERS = ["age-encryption.org/v1\n", "-----BEGIN AGE ENCRYPTED FILE-----"];
const RECIPIENT = /^age1[a-z0-9]+$/;

/**
 * What is wrong with a file at its place in a vault; nothing outside of one.
 * @param file from the root of the repository.
 * @param head the first bytes of its content.
 * @param size of the content, in bytes.
 */
export function checkVaultFile(file: string, head: Buffer, size: number): ScanFinding[] {
  const inner = pathInVault(file);
  if (inner === undefined) return [];
  switch (classify(inner).kind) {
    case "stray":
      return [strayInVault(file)];
    case "secret":
    case "escrow":
      if (AGE_HEADERS.some((header) => head.subarray(0, header.length).equals(Buffer.from(header)))) return [];
      return [finding(file, "not-encrypted", "is not encrypted: it is not an age file")];
    case "public-key":
    case "owner":
      if (size === head.length && holdsRecipientsOnly(head.toString("latin1"))) return [];
      return [finding(file, "stray-in-vault", "contains something other than age recipients")];
    default:
      return [];
  }
}

/** A link that is the vault's folder or is below it. */
export function checkVaultLink(file: string): ScanFinding[] {
  if (pathInVault(`${file}/`) === undefined) return [];
  return [finding(file, "link-in-vault", "is a symbolic link, which vaults cannot contain")];
}

/** A submodule. */
export function checkVaultSubmodule(file: string): ScanFinding[] {
  return pathInVault(file) === undefined ? [] : [strayInVault(file)];
}

function pathInVault(file: string): string | undefined {
  const segments = file.split("/");
  const at = segments.indexOf(VAULT_FOLDER);
  return at < 0 || at === segments.length - 1 ? undefined : segments.slice(at + 1).join("/");
}

function holdsRecipientsOnly(text: string): boolean {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  return lines.length > 0 && lines.every((line) => RECIPIENT.test(line.trim()));
}

function strayInVault(file: string): ScanFinding {
  return finding(file, "stray-in-vault", "does not belong in a vault");
}

function finding(file: string, kind: ScanFinding["kind"], says: string): ScanFinding {
  return { file, line: undefined, kind, fingerprint: undefined, message: `${quoted(file)} ${says}.` };
}
