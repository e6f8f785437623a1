import { isAbsolute } from "node:path";
import { resolvePath, type Context } from "../context.js";
import { VaultError } from "../errors.js";
import { CONFIG_FILE } from "../format/layout.js";
import type { Actor } from "../record/recorder.js";
import { suggestion } from "../text/did-you-mean.js";

/** Where uses and changes can go on record. */
export const AUDIT_SINKS = ["ledger", "spool", "otlp", "stderr", "file", "off"] as const;
/** One of {@link AUDIT_SINKS}. */
export type AuditSinkKind = (typeof AUDIT_SINKS)[number];

/** Where uses and changes go on record on this machine. */
export type AuditSink = { readonly kind: "ledger" } | { readonly kind: "off" } | OtherSink;
/** Where they go without a database. */
export type OtherSink =
  | { readonly kind: "spool" }
  | { readonly kind: "otlp" | "stderr" }
  | { readonly kind: "file"; readonly path: string };

/**
 * What `AGENT_VAULT_AUDIT` says: `ledger` (also where it is not set), `spool`, `otlp`, `stderr`, `file:PATH` or `off`.
 * @throws VaultError `USAGE` for anything else
 */
export function auditSink(context: Pick<Context, "cwd" | "env">): AuditSink {
  const text = context.env["AGENT_VAULT_AUDIT"] ?? "";
  const word = text.toLowerCase();
  if (["", "on"].includes(word)) return { kind: "ledger" };
  const path = /^file:(.+)$/is.exec(text)?.[1];
  if (path !== undefined) return { kind: "file", path: requireAbsolute(context as Context, path) };
  const kind = AUDIT_SINKS.find((one) => one === word);
  if (kind !== undefined && kind !== "file") return { kind };
  throw new VaultError("USAGE", "AGENT_VAULT_AUDIT is none of: ledger, spool, otlp, stderr, file:PATH, off.", {
    remedy: `${suggestion(word, AUDIT_SINKS)}Set it to one of these, or unset it for the ledger.`,
  });
}

/** Whether the ledger is where uses go on record, which tokens, sessions and anchors need. */
export function usesLedger({ env }: Pick<Context, "env">): boolean {
  return ["", "on", "ledger"].includes((env["AGENT_VAULT_AUDIT"] ?? "").toLowerCase());
}

/**
 * Requires that the vault's owner lets uses go on record there: `settings.audit.allow` in `config.yaml`, of the state that is used and of
 * the main branch. Without it every place will do.
 * @throws VaultError `LEDGER_UNAVAILABLE`, `INVALID_CONFIG`, `TAMPERED`
 */
export async function requireAllowedSink({ judging }: Pick<Actor, "judging">, kind: AuditSinkKind): Promise<void> {
  for (const files of judging) {
    const allowed = await allowedSinks(files);
    if (!allowed || allowed.includes(kind)) continue;
    const listed = allowed.length === 0 ? "none" : allowed.join(", ");
    throw new VaultError("LEDGER_UNAVAILABLE", `The vault's owner does not accept ${NAMES[kind]} as its audit log.`, {
      remedy: `Set AGENT_VAULT_AUDIT to one that settings.audit.allow in config.yaml lists: ${listed}.`,
    });
  }
}

const NAMES: Readonly<Record<AuditSinkKind, string>> = {
  ledger: "the ledger",
  spool: "a spool",
  otlp: "an OpenTelemetry collector",
  stderr: "standard error",
  file: "a file",
  off: "reading without an audit log (AGENT_VAULT_AUDIT=off)",
};

/** What an owner has signed; `undefined` for anywhere. No parser is loaded where the word does not occur. */
async function allowedSinks(files: Actor["judging"][number]): Promise<readonly string[] | undefined> {
  const bytes = files.read(CONFIG_FILE);
  if (!bytes || !Buffer.from(bytes).includes("audit")) return undefined;
  const { Config } = await import("../format/config.js");
  return Config.parse(bytes).settings.audit?.allow;
}

function requireAbsolute(context: Context, path: string): string {
  if (isAbsolute(path) || /^~(?=[/\\]|$)/.test(path)) return resolvePath(context, path);
  // It would be another file in each folder that a program is started in.
  throw new VaultError("USAGE", "AGENT_VAULT_AUDIT=file:PATH names a relative path.", {
    remedy: "Write an absolute path: file:/var/log/agent-vault.jsonl.",
  });
}
