import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { ERROR_CODES, exitCodeOf, type ErrorCode } from "#vault/errors.js";

const ROOT = resolve(import.meta.dirname, "../../..");
const EXIT_CODES: Readonly<Record<number, readonly ErrorCode[]>> = {
  1: [
    "FAILED",
    "UNWRITABLE",
    "DISK_FULL",
    "GIT_MISSING",
    "GIT_FAILED",
    "SIGNING_FAILED",
    "LEDGER_UNAVAILABLE",
    "LEDGER_FOLDER",
    "LEDGER_NEWER",
    "NO_PRIVATE_STORAGE",
  ],
  2: [
    "USAGE",
    "INVALID_NAME",
    "INVALID_VALUE",
    "VALUE_REQUIRED",
    "VALUE_TOO_LARGE",
    "INVALID_VARIABLE",
    "INVALID_REFERENCE",
    "INVALID_PROFILE",
  ],
  3: [
    "VAULT_NOT_FOUND",
    "REPOSITORY_NOT_FOUND",
    "SECRET_NOT_FOUND",
    "AGENT_NOT_FOUND",
    "GROUP_NOT_FOUND",
    "OWNER_NOT_FOUND",
    "FILE_NOT_FOUND",
    "NOT_GRANTED",
    "PROFILE_NOT_FOUND",
    "TOKEN_NOT_FOUND",
    "SESSION_NOT_FOUND",
  ],
  4: ["NO_KEY", "INVALID_KEY", "NOT_AUTHORIZED", "WRONG_PASSPHRASE", "PASSPHRASE_REQUIRED", "LEDGER_KEY"],
  5: [
    "INVALID_YAML",
    "INVALID_CONFIG",
    "INVALID_MANIFEST",
    "INVALID_METADATA",
    "INVALID_RECIPIENT",
    "MIXED_RECIPIENTS",
    "DAMAGED",
    "LINK_IN_VAULT",
    "UNSIGNED",
    "BAD_SIGNATURE",
    "TOO_NEW",
    "UNTRUSTED_SIGNER",
    "WRONG_VAULT",
    "TAMPERED",
    "ROLLBACK",
    "FORKED",
    "EXPIRED_STATE",
    "UNEXPECTED_RECIPIENT",
    "CHECK_FAILED",
    "KEY_MATERIAL",
    "LEDGER_DAMAGED",
  ],
  6: [
    "CONFIRMATION_REQUIRED",
    "INVALID_POLICY",
    "POLICY_DENIED",
    "HARNESS_DENIED",
    "APPROVAL_DENIED",
    "APPROVAL_UNAVAILABLE",
    "TOKEN_INVALID",
    "TOKEN_EXPIRED",
    "TOKEN_REVOKED",
    "TOKEN_USED_UP",
    "TOKEN_DENIED",
    "SECRET_TOO_SHORT",
  ],
  7: ["ALREADY_EXISTS", "REPOSITORY_BUSY", "CONFLICT"],
  8: ["BUSY"],
  124: ["TIMED_OUT"],
  126: ["COMMAND_NOT_EXECUTABLE", "ENVIRONMENT_TOO_LARGE"],
  127: ["COMMAND_NOT_FOUND"],
};
const TABLE = join(ROOT, "packages/vault/src/errors.ts");

function read(folders: readonly string[]): string {
  return folders
    .flatMap((folder) => readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((file) => file !== TABLE && file !== import.meta.filename)
    .map((file) => readFileSync(file, "utf8"))
    .join("\n");
}

describe("every error code", () => {
  const sources = read(["packages", "hooks", "sdk-node"].flatMap(sourceFolders));
  const tests = read(["test"]);

  it.each(Object.keys(ERROR_CODES))("%s is used, and a test meets it", (code) => {
    expect([sources.includes(`"${code}"`), new RegExp(`\\b${code}\\b`).test(tests)]).toEqual([true, true]);
  });

  it("keeps its exit code, which scripts rely on", () => {
    for (const [exit, codes] of Object.entries(EXIT_CODES)) expect(codes.filter((code) => exitCodeOf(code) !== Number(exit))).toEqual([]);
    expect(Object.keys(ERROR_CODES).toSorted()).toEqual(Object.values(EXIT_CODES).flat().toSorted());
  });
});

function sourceFolders(folder: string): string[] {
  if (folder !== "packages") return [`${folder}/src`];
  return readdirSync(join(ROOT, folder)).map((name) => `${folder}/${name}/src`);
}
