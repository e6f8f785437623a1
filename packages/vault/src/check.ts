import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { parseHeader } from "./age/header.js";
import { withoutArmor } from "./age/armor.js";
import type { Context } from "./context.js";
import { VaultError, type ErrorCode } from "./errors.js";
import {
  classify,
  escrowFile,
  FIRST_OWNER_FILE,
  MANIFEST_FILE,
  metadataFile,
  publicKeyFile,
  secretFile,
  type VaultFile,
} from "./layout.js";
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
  /** What mends it. */
  readonly remedy: string;
}

type Add = (severity: Finding["severity"], kind: FindingKind, subject: string, message: string, remedy: string) => void;

/**
 * Looks through the whole vault, without any key. What is damaged becomes a finding and not an exception, save for a manifest or
 * configuration that cannot be read at all.
 * @throws VaultError `INVALID_YAML`, `INVALID_MANIFEST`, `INVALID_CONFIG`
 */
export function check(context: Context, state: VaultState): Finding[] {
  const findings: Finding[] = [];
  const add: Add = (severity, kind, subject, message, remedy) => findings.push({ severity, kind, subject, message, remedy });
  const { manifest, config } = state;
  const pathOf = (file: string) => shellWord(join(state.folder.root, file));
  const removal = (file: string) => `Find out who put it there, then rm ${pathOf(file)}`;
  const restoration = (file: string) => `Restore it from a commit that git log names: git checkout COMMIT -- ${pathOf(file)}`;
  const correction = `Correct ${pathOf(MANIFEST_FILE)}, then git commit ${pathOf(MANIFEST_FILE)}`;

  const files = new Map<string, VaultFile>();
  for (const { file, kind } of state.folder.walk()) {
    const found = classify(file);
    if (kind === "link") add("error", "link", file, `${file} is a link, and links in a vault are never followed.`, removal(file));
    else if (kind === "other") add("error", "stray", file, `${file} is not a regular file.`, removal(file));
    else if (found.kind === "stray")
      add("warning", /\.(enc|meta|escrow)$/.test(file) ? "name" : "stray", file, strayMessage(file), removal(file));
    else files.set(file, found);
  }
  for (const problem of manifest.problems) add("error", "name", MANIFEST_FILE, `${MANIFEST_FILE}: ${problem}.`, correction);

  const owners = guarded("owners", FIRST_OWNER_FILE, () => state.owners);
  const secrets = [...files.values()].flatMap((found) => (found.kind === "secret" ? [found.path] : []));
  /** The agents that can read something. */
  const reading = new Set<string>();
  checkGroups();
  for (const path of secrets) {
    guarded(formatSecretPath(path), secretFile(path), () => checkReaders(path));
    guarded(formatSecretPath(path), metadataFile(path), () => checkMetadata(path));
  }
  for (const found of files.values()) {
    if (found.kind !== "metadata" || files.has(secretFile(found.path))) continue;
    const secret = formatSecretPath(found.path);
    const remedy = `Store a value: agent-vault set ${secret}; or drop it: rm ${pathOf(metadataFile(found.path))}`;
    add("warning", "metadata-without-secret", secret, `${secret} has metadata and no value.`, remedy);
  }
  checkAgents();
  checkKeyFiles(context, add);
  return findings;

  function checkGroups(): void {
    for (const [group, paths] of manifest.groups) {
      for (const path of paths) {
        if (files.has(secretFile(path))) continue;
        const secret = formatSecretPath(path);
        add(
          "error",
          "secret-without-file",
          secret,
          `Group ${group} lists ${secret}, which has no file.`,
          `Store it: agent-vault set ${secret}`,
        );
      }
    }
    for (const [path, agents] of manifest.extraAgents) {
      for (const agent of agents) {
        if (manifest.agents.has(agent)) continue;
        const message = `${formatSecretPath(path)} is granted to ${agent}, which is no agent of this vault.`;
        add("warning", "unknown-agent", agent, message, correction);
      }
    }
  }

  function checkReaders(path: SecretPath): void {
    const secret = formatSecretPath(path);
    if (manifest.groupsOf(path).length === 0) {
      const message = `${secret} is listed by no group, so no group's agents can read it.`;
      add("warning", "secret-without-group", secret, message, `List it: agent-vault set ${secret} --keep-value`);
    }
    const agents = state.agentsOf(path);
    for (const agent of agents) reading.add(agent);
    const reachable = agents.filter((agent) => files.has(publicKeyFile(agent))).length;
    const remedy = `Seal it anew: agent-vault set ${secret} --keep-value; whoever should not have had it may know the value`;
    compareRecipients("recipients-differ", secret, state.head(path)!, reachable, remedy);
  }

  function checkMetadata(path: SecretPath): void {
    const secret = formatSecretPath(path);
    const renewal = `Write it anew: agent-vault set ${secret} --keep-value`;
    const bytes = state.bytes(metadataFile(path));
    if (!bytes) return add("warning", "secret-without-metadata", secret, `${secret} has no metadata.`, renewal);
    const metadata = parseMetadata(bytes, path);
    const agents = state.agentsOf(path);
    const authorized = new Set(metadata.authorized_agents ?? []);
    const differing = [...new Set([...authorized, ...agents])].filter((agent) => authorized.has(agent) !== agents.includes(agent));
    if (differing.length > 0)
      add(
        "warning",
        "metadata-differs",
        secret,
        `The metadata of ${secret} and the manifest disagree on ${differing.join(", ")}.`,
        renewal,
      );
    const now = context.now();
    if (metadata.expires) {
      const left = Date.parse(metadata.expires) - now.getTime();
      const day = metadata.expires.slice(0, 10);
      const remedy = `Set a new value: agent-vault set ${secret} --expires 90d`;
      if (left <= 0) add("error", "expired", secret, `${secret} expired on ${day}.`, remedy);
      else if (left < config.settings.expiry_warning_days * 86_400_000)
        add("warning", "expiring", secret, `${secret} expires on ${day}.`, remedy);
    }
    const due = rotationDue(metadata);
    if (due && due <= now) {
      const message = `${secret} was due for rotation on ${due.toISOString().slice(0, 10)}.`;
      add("warning", "rotation-overdue", secret, message, `Rotate it at the source: agent-vault set ${secret}`);
    }
  }

  function checkAgents(): void {
    for (const [agent, groups] of manifest.agents) {
      const renewal = `Give it a new key: agent-vault recover-agent ${agent}`;
      for (const group of groups) {
        if (manifest.groups.has(group)) continue;
        const message = `Agent ${agent} is in group ${group}, which does not exist.`;
        add("warning", "unknown-group", agent, message, `Make the group with its first secret: agent-vault set ${group}/NAME`);
      }
      if (!reading.has(agent)) {
        const remedy = `Grant it something: agent-vault grant ${agent} GROUP; or remove it: agent-vault remove-agent ${agent}`;
        add("warning", "agent-without-access", agent, `Agent ${agent} can read nothing.`, remedy);
      }
      if (!files.has(publicKeyFile(agent)))
        add("error", "agent-without-key", agent, `Agent ${agent} has no public key, so nothing can be encrypted to it.`, renewal);
      else guarded(agent, publicKeyFile(agent), () => state.agentRecipient(agent), renewal);
      guarded(agent, escrowFile(agent), () => checkEscrow(agent, renewal), renewal);
    }
    for (const found of files.values()) {
      if (found.kind === "public-key" && !manifest.agents.has(found.agent)) {
        const message = `There are keys of ${found.agent}, which is no agent of this vault.`;
        add("warning", "unknown-agent", found.agent, message, `Remove them: rm -r ${pathOf(`agents/${found.agent}`)}`);
      }
    }
  }

  function checkEscrow(agent: string, renewal: string): void {
    const escrow = state.bytes(escrowFile(agent));
    if (!escrow) add("warning", "escrow-missing", agent, `Agent ${agent} has no escrow, so its key cannot be restored.`, renewal);
    else compareRecipients("escrow-recipients-differ", agent, escrow, 0, renewal);
  }

  /** @param agents how many there should be besides the owners */
  function compareRecipients(kind: FindingKind, subject: string, file: Uint8Array, agents: number, remedy: string): void {
    const types = parseHeader(withoutArmor(file)).stanzas.map(({ args }) => args[0]!);
    if (!owners) return;
    const wanted = owners.length + agents;
    if (hasRecipients(types, wanted, owners[0]!.recipient.kind)) return;
    const count = types.length;
    const what = kind === "recipients-differ" ? subject : `The escrow of ${subject}`;
    const message = `${what} is encrypted to ${count} recipient${count === 1 ? "" : "s"} and should be to ${wanted}.`;
    add("error", kind, subject, message, remedy);
  }

  /** Turns what a damaged file throws into a finding. */
  function guarded<T>(subject: string, file: string, look: () => T, remedy = restoration(file)): T | undefined {
    try {
      return look();
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      const isLink = error.code === ("LINK_IN_VAULT" satisfies ErrorCode);
      add("error", isLink ? "link" : "damaged", subject, `${subject}: ${error.message}`, isLink ? removal(file) : remedy);
      return undefined;
    }
  }
}

function strayMessage(file: string): string {
  return /\.(enc|meta|escrow)$/.test(file) ? `${file} has a name outside the grammar of names.` : `${file} does not belong in a vault.`;
}

/** Keys at home that others than their owner could read, or nobody. Windows has no such modes. */
function checkKeyFiles(context: Context, add: Add): void {
  if (process.platform === "win32" || !existsSync(context.home)) return;
  for (const folder of [context.home, join(context.home, "agents"), join(context.home, "owners")]) {
    if (!existsSync(folder)) continue;
    if (statSync(folder).mode & 0o077)
      add("error", "key-permissions", folder, `${folder} is open to others.`, `Close it: chmod 700 ${shellWord(folder)}`);
    for (const name of readdirSync(folder)) {
      if (!/\.key(?:\.|$)/.test(name)) continue;
      const file = join(folder, name);
      const mode = modeOf(file);
      if (mode === undefined) add("warning", "link", file, `${file} is a link that points nowhere.`, `Remove it: rm ${shellWord(file)}`);
      else if (mode & 0o077) add("error", "key-permissions", file, `${file} is open to others.`, `Close it: chmod 600 ${shellWord(file)}`);
    }
  }
}

function modeOf(file: string): number | undefined {
  try {
    return statSync(file).mode;
  } catch {
    return undefined;
  }
}

/** A word as a shell takes it. */
function shellWord(text: string): string {
  return /^[\w./@%+=:,-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
