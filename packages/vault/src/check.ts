import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { parseHeader } from "./age/header.js";
import type { Recipient } from "./age/recipient.js";
import type { Context } from "./context.js";
import { VaultError, type ErrorCode } from "./errors.js";
import { classify, escrowFile, metadataFile, publicKeyFile, secretFile, type VaultFile } from "./layout.js";
import { parseMetadata, rotationDue } from "./metadata.js";
import { formatSecretPath, type SecretPath } from "./names.js";
import { hasRecipients } from "./reseal.js";
import type { VaultState } from "./vault-state.js";

/** The closed set of what a check can find. */
export type FindingKind =
  | "expired"
  | "expiring"
  | "rotation-overdue"
  | "agent-without-access"
  | "secret-without-group"
  | "secret-without-file"
  | "secret-without-metadata"
  | "metadata-without-secret"
  | "metadata-differs"
  | "recipients-differ"
  | "unknown-group"
  | "unknown-agent"
  | "agent-without-key"
  | "escrow-missing"
  | "escrow-recipients-differ"
  | "name"
  | "link"
  | "stray"
  | "damaged"
  | "key-permissions";

/** One thing that is not as it should be. An error is a broken vault or an open door; a warning wants attention. */
export interface Finding {
  readonly severity: "error" | "warning";
  readonly kind: FindingKind;
  /** The secret, agent or file that it is about. */
  readonly subject: string;
  readonly message: string;
}

/**
 * Looks through the whole vault, without any key. What is damaged becomes a finding and not an exception, save for a manifest or
 * configuration that cannot be read at all.
 * @throws VaultError `INVALID_YAML`, `INVALID_MANIFEST`, `INVALID_CONFIG`
 */
export function check(context: Context, state: VaultState): Finding[] {
  const findings: Finding[] = [];
  const add = (severity: Finding["severity"], kind: FindingKind, subject: string, message: string) =>
    findings.push({ severity, kind, subject, message });
  const { manifest, config, owners } = state;

  const files = new Map<string, VaultFile>();
  for (const { file, kind } of state.folder.walk()) {
    const found = classify(file);
    if (kind === "link") add("error", "link", file, `${file} is a link, and links in a vault are never followed.`);
    else if (kind === "other") add("error", "stray", file, `${file} is not a regular file.`);
    else if (found.kind === "stray") add("warning", /\.(enc|meta|escrow)$/.test(file) ? "name" : "stray", file, strayMessage(file));
    else files.set(file, found);
  }
  for (const problem of manifest.problems) add("error", "name", "manifest.yaml", `manifest.yaml: ${problem}.`);

  const secrets = [...files.values()].flatMap((found) => (found.kind === "secret" ? [found.path] : []));
  checkGroups();
  for (const path of secrets) guarded(formatSecretPath(path), () => checkSecret(path));
  for (const found of files.values()) {
    if (found.kind === "metadata" && !files.has(secretFile(found.path))) {
      add("warning", "metadata-without-secret", formatSecretPath(found.path), `${formatSecretPath(found.path)} has metadata and no value.`);
    }
  }
  checkAgents();
  checkKeyFiles(context, add);
  return findings;

  function checkGroups(): void {
    for (const [group, paths] of manifest.groups) {
      for (const path of paths) {
        if (files.has(secretFile(path))) continue;
        add("error", "secret-without-file", formatSecretPath(path), `Group ${group} lists ${formatSecretPath(path)}, which has no file.`);
      }
    }
    for (const [path, agents] of manifest.extraAgents) {
      for (const agent of agents) {
        if (!manifest.agents.has(agent))
          add("warning", "unknown-agent", agent, `${formatSecretPath(path)} is granted to ${agent}, which is no agent of this vault.`);
      }
    }
  }

  function checkSecret(path: SecretPath): void {
    const secret = formatSecretPath(path);
    const agents = state.agentsOf(path);
    if (manifest.groupsOf(path).length === 0)
      add("warning", "secret-without-group", secret, `${secret} is listed by no group, so no group's agents can read it.`);
    const recipients = [...owners.map(({ recipient }) => recipient), ...knownRecipients(agents)];
    compareRecipients("recipients-differ", secret, state.ciphertext(path), recipients);

    const bytes = state.bytes(metadataFile(path));
    if (!bytes) {
      add("warning", "secret-without-metadata", secret, `${secret} has no metadata; set it again to have some.`);
      return;
    }
    const metadata = parseMetadata(bytes, path);
    const authorized = new Set(metadata.authorized_agents ?? []);
    const differing = [...new Set([...authorized, ...agents])].filter((agent) => authorized.has(agent) !== agents.includes(agent));
    if (differing.length > 0)
      add("warning", "metadata-differs", secret, `The metadata of ${secret} and the manifest disagree on ${differing.join(", ")}.`);
    const now = context.now();
    if (metadata.expires) {
      const left = Date.parse(metadata.expires) - now.getTime();
      if (left <= 0) add("error", "expired", secret, `${secret} expired on ${metadata.expires.slice(0, 10)}.`);
      else if (left < config.settings.expiry_warning_days * 86_400_000)
        add("warning", "expiring", secret, `${secret} expires on ${metadata.expires.slice(0, 10)}.`);
    }
    const due = rotationDue(metadata);
    if (due && due <= now)
      add("warning", "rotation-overdue", secret, `${secret} was due for rotation on ${due.toISOString().slice(0, 10)}.`);
  }

  function checkAgents(): void {
    const reading = new Set<string>();
    for (const path of secrets) guarded(formatSecretPath(path), () => state.agentsOf(path).forEach((agent) => reading.add(agent)), true);
    for (const [agent, groups] of manifest.agents) {
      for (const group of groups) {
        if (!manifest.groups.has(group))
          add("warning", "unknown-group", agent, `Agent ${agent} is in group ${group}, which does not exist.`);
      }
      if (!reading.has(agent)) add("warning", "agent-without-access", agent, `Agent ${agent} can read nothing.`);
      if (!files.has(publicKeyFile(agent)))
        add("error", "agent-without-key", agent, `Agent ${agent} has no public key, so nothing can be encrypted to it.`);
      const escrow = guarded(agent, () => state.bytes(escrowFile(agent)));
      if (!escrow) add("warning", "escrow-missing", agent, `Agent ${agent} has no escrow, so its key cannot be restored.`);
      else
        guarded(agent, () =>
          compareRecipients(
            "escrow-recipients-differ",
            agent,
            escrow,
            owners.map(({ recipient }) => recipient),
          ),
        );
    }
    for (const found of files.values()) {
      if (found.kind === "public-key" && !manifest.agents.has(found.agent)) {
        add("warning", "unknown-agent", found.agent, `There are keys of ${found.agent}, which is no agent of this vault.`);
      }
    }
  }

  function knownRecipients(agents: readonly string[]): Recipient[] {
    return agents.filter((agent) => files.has(publicKeyFile(agent))).map((agent) => state.agentRecipient(agent));
  }

  function compareRecipients(kind: FindingKind, subject: string, file: Uint8Array, recipients: readonly Recipient[]): void {
    const types = parseHeader(file).stanzas.map(({ args }) => args[0]!);
    if (hasRecipients(types, recipients.length, recipients[0]!.kind)) return;
    const count = types.length;
    const what = kind === "recipients-differ" ? subject : `The escrow of ${subject}`;
    add(
      "error",
      kind,
      subject,
      `${what} is encrypted to ${count} recipient${count === 1 ? "" : "s"} and should be to ${recipients.length}; agent-vault ${kind === "recipients-differ" ? `set ${subject} --keep-value encrypts it anew` : `recover-agent ${subject} makes a new key and escrow`}.`,
    );
  }

  /** Turns what a damaged file throws into a finding. */
  function guarded<T>(subject: string, look: () => T, quiet = false): T | undefined {
    try {
      return look();
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      if (!quiet)
        add("error", error.code === ("LINK_IN_VAULT" satisfies ErrorCode) ? "link" : "damaged", subject, `${subject}: ${error.message}`);
      return undefined;
    }
  }
}

function strayMessage(file: string): string {
  return /\.(enc|meta|escrow)$/.test(file) ? `${file} has a name outside the grammar of names.` : `${file} does not belong in a vault.`;
}

/** Keys at home that others than their owner could read. Windows has no such modes. */
function checkKeyFiles(
  context: Context,
  add: (severity: Finding["severity"], kind: FindingKind, subject: string, message: string) => void,
): void {
  if (process.platform === "win32" || !existsSync(context.home)) return;
  for (const folder of [context.home, join(context.home, "agents"), join(context.home, "owners")]) {
    if (!existsSync(folder)) continue;
    if (statSync(folder).mode & 0o077) add("error", "key-permissions", folder, `${folder} is open to others; run chmod 700 ${folder}.`);
    for (const name of readdirSync(folder)) {
      const file = join(folder, name);
      if (/\.key(?:\.|$)/.test(name) && statSync(file).mode & 0o077)
        add("error", "key-permissions", file, `${file} is open to others; run chmod 600 ${file}.`);
    }
  }
}
