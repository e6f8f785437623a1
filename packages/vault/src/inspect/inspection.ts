import { join } from "node:path";
import { parseHeader } from "../age/header.js";
import { withoutArmor } from "../age/armor.js";
import type { Context } from "../context.js";
import { VaultError, type ErrorCode } from "../errors.js";
import type { AddFinding, Finding, FindingKind } from "./finding.js";
import {
  classify,
  CONFIG_FILE,
  escrowFile,
  FIRST_OWNER_FILE,
  MANIFEST_FILE,
  metadataFile,
  publicKeyFile,
  secretFile,
  type VaultFile,
} from "../format/layout.js";
import type { Manifest } from "../format/manifest.js";
import { parseMetadata, rotationDue } from "../format/metadata.js";
import { formatSecretPath, type SecretPath } from "../format/names.js";
import { hasRecipients } from "../change/reencrypt.js";
import { shellWord } from "../text/shell-word.js";
import type { VaultState } from "../files/vault-state.js";

/**
 * Looks through what the files of a vault say, without any key and whoever wrote them: each against the manifest, and against the
 * clock. What cannot be made sense of is a finding too, and then what depends on it is left out.
 */
export function inspect(context: Context, state: VaultState): Finding[] {
  const findings: Finding[] = [];
  const add: AddFinding = (severity, kind, subject, message, remedy, file) =>
    findings.push({ severity, kind, subject, message, remedy, ...(file !== undefined && { file }) });
  const pathOf = (file: string) => shellWord(join(state.source.root, file));
  const removal = (file: string) => `Find out who put it there, then rm ${pathOf(file)}`;
  const restoration = (file: string) => `Restore it from a commit that git log names: git checkout COMMIT -- ${pathOf(file)}`;
  const correction = `Correct ${pathOf(MANIFEST_FILE)}, then git commit ${pathOf(MANIFEST_FILE)}`;

  const files = new Map<string, VaultFile>();
  for (const { file, kind } of state.source.walk()) {
    const found = classify(file);
    if (kind === "link") add("error", "link", file, `${file} is a link, and links in a vault are never followed.`, removal(file), file);
    else if (kind === "other") add("error", "stray", file, `${file} is not a regular file.`, removal(file), file);
    else if (found.kind === "stray") add("warning", endsAsFilesDo(file) ? "name" : "stray", file, strayMessage(file), removal(file), file);
    else files.set(file, found);
  }

  const manifest = guarded(MANIFEST_FILE, MANIFEST_FILE, () => state.manifest);
  const settings = guarded(CONFIG_FILE, CONFIG_FILE, () => state.config.settings);
  const owners = manifest && guarded("owners", FIRST_OWNER_FILE, () => state.owners);
  const secrets = [...files.values()].flatMap((found) => (found.kind === "secret" ? [found.path] : []));
  /** The agents that can read something. */
  const reading = new Set<string>();
  if (manifest) checkGroups(manifest);
  for (const path of secrets) {
    if (manifest) guarded(formatSecretPath(path), secretFile(path), () => checkReaders(manifest, path));
    guarded(formatSecretPath(path), metadataFile(path), () => checkMetadata(path));
  }
  for (const found of files.values()) {
    if (found.kind !== "metadata" || files.has(secretFile(found.path))) continue;
    const secret = formatSecretPath(found.path);
    const remedy = `Store a value: agent-vault set ${secret}; or drop it: rm ${pathOf(metadataFile(found.path))}`;
    add("warning", "metadata-without-secret", secret, `${secret} has metadata and no value.`, remedy, metadataFile(found.path));
  }
  if (manifest) checkAgents(manifest);
  return findings;

  function checkGroups(manifest: Manifest): void {
    for (const problem of manifest.problems)
      add("error", "name", MANIFEST_FILE, `${MANIFEST_FILE}: ${problem}.`, correction, MANIFEST_FILE);
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
          MANIFEST_FILE,
        );
      }
    }
    for (const [path, agents] of manifest.extraAgents) {
      for (const agent of agents) {
        if (manifest.agents.has(agent)) continue;
        const message = `${formatSecretPath(path)} is granted to ${agent}, which is no agent of this vault.`;
        add("warning", "unknown-agent", agent, message, correction, MANIFEST_FILE);
      }
    }
  }

  function checkReaders(manifest: Manifest, path: SecretPath): void {
    const secret = formatSecretPath(path);
    if (manifest.groupsOf(path).length === 0) {
      const message = `${secret} is listed by no group, so no group's agents can read it.`;
      add("warning", "secret-without-group", secret, message, `List it: agent-vault set ${secret} --keep-value`, MANIFEST_FILE);
    }
    const agents = state.agentsOf(path);
    for (const agent of agents) reading.add(agent);
    const reachable = agents.filter((agent) => files.has(publicKeyFile(agent))).length;
    const remedy = `Seal it anew: agent-vault set ${secret} --keep-value; whoever should not have had it may know the value`;
    compareRecipients("recipients-differ", secret, secretFile(path), state.head(path)!, reachable, remedy);
  }

  function checkMetadata(path: SecretPath): void {
    const secret = formatSecretPath(path);
    const renewal = `Write it anew: agent-vault set ${secret} --keep-value`;
    const file = metadataFile(path);
    const bytes = state.read(file);
    if (!bytes) return add("warning", "secret-without-metadata", secret, `${secret} has no metadata.`, renewal, secretFile(path));
    const metadata = parseMetadata(bytes, path);
    const authorized = new Set(metadata.authorized_agents ?? []);
    const agents = manifest ? state.agentsOf(path) : [...authorized];
    const differing = [...new Set([...authorized, ...agents])].filter((agent) => authorized.has(agent) !== agents.includes(agent));
    if (differing.length > 0)
      add(
        "warning",
        "metadata-differs",
        secret,
        `The metadata of ${secret} and the manifest disagree on ${differing.join(", ")}.`,
        renewal,
        file,
      );
    const now = context.now();
    if (metadata.expires) {
      const left = Date.parse(metadata.expires) - now.getTime();
      const day = metadata.expires.slice(0, 10);
      const remedy = `Set a new value: agent-vault set ${secret} --expires 90d`;
      if (left <= 0) add("error", "expired", secret, `${secret} expired on ${day}.`, remedy, file);
      else if (left < (settings?.expiry_warning_days ?? 0) * 86_400_000)
        add("warning", "expiring", secret, `${secret} expires on ${day}.`, remedy, file);
    }
    const due = rotationDue(metadata);
    if (due && due <= now) {
      const message = `${secret} was due for rotation on ${due.toISOString().slice(0, 10)}.`;
      add("warning", "rotation-overdue", secret, message, `Rotate it at the source: agent-vault set ${secret}`, file);
    }
  }

  function checkAgents(manifest: Manifest): void {
    for (const [agent, groups] of manifest.agents) {
      const renewal = `Give it a new key: agent-vault recover-agent ${agent}`;
      for (const group of groups) {
        if (manifest.groups.has(group)) continue;
        const message = `Agent ${agent} is in group ${group}, which does not exist.`;
        add(
          "warning",
          "unknown-group",
          agent,
          message,
          `Make the group with its first secret: agent-vault set ${group}/NAME`,
          MANIFEST_FILE,
        );
      }
      if (!reading.has(agent)) {
        const remedy = `Grant it something: agent-vault grant ${agent} GROUP; or remove it: agent-vault remove-agent ${agent}`;
        add("warning", "agent-without-access", agent, `Agent ${agent} can read nothing.`, remedy, MANIFEST_FILE);
      }
      if (!files.has(publicKeyFile(agent)))
        add(
          "error",
          "agent-without-key",
          agent,
          `Agent ${agent} has no public key, so nothing can be encrypted to it.`,
          renewal,
          MANIFEST_FILE,
        );
      else guarded(agent, publicKeyFile(agent), () => state.agentRecipient(agent), renewal);
      guarded(agent, escrowFile(agent), () => checkEscrow(agent, renewal), renewal);
    }
    const ownerFiles = new Set(manifest.owners.map((owner) => owner.file));
    for (const [file, found] of files) {
      if (found.kind === "owner" && found.name !== undefined && !ownerFiles.has(file))
        add("warning", "stray", file, `${file} is the key of nobody whom the manifest names as an owner.`, removal(file), file);
      if (found.kind === "public-key" && !manifest.agents.has(found.agent)) {
        const message = `There are keys of ${found.agent}, which is no agent of this vault.`;
        add("warning", "unknown-agent", found.agent, message, `Remove them: rm -r ${pathOf(`agents/${found.agent}`)}`, file);
      }
    }
  }

  function checkEscrow(agent: string, renewal: string): void {
    const escrow = state.read(escrowFile(agent));
    if (!escrow)
      add("warning", "escrow-missing", agent, `Agent ${agent} has no escrow, so its key cannot be restored.`, renewal, MANIFEST_FILE);
    else compareRecipients("escrow-recipients-differ", agent, escrowFile(agent), escrow, 0, renewal);
  }

  /** @param agents how many there should be besides the owners */
  function compareRecipients(kind: FindingKind, subject: string, file: string, bytes: Uint8Array, agents: number, remedy: string): void {
    const types = parseHeader(withoutArmor(bytes)).stanzas.map(({ args }) => args[0]!);
    if (!owners) return;
    const wanted = owners.length + agents;
    if (hasRecipients(types, wanted, owners[0]!.recipient.kind)) return;
    const count = types.length;
    const what = kind === "recipients-differ" ? subject : `The escrow of ${subject}`;
    const message = `${what} is encrypted to ${count} recipient${count === 1 ? "" : "s"} and should be to ${wanted}.`;
    add("error", kind, subject, message, remedy, file);
  }

  /** Turns what a damaged file throws into a finding. */
  function guarded<T>(subject: string, file: string, look: () => T, remedy = restoration(file)): T | undefined {
    try {
      return look();
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      const isLink = error.code === ("LINK_IN_VAULT" satisfies ErrorCode);
      add("error", isLink ? "link" : "damaged", subject, `${subject}: ${error.message}`, isLink ? removal(file) : remedy, file);
      return undefined;
    }
  }
}

function strayMessage(file: string): string {
  return endsAsFilesDo(file) ? `${file} has a name outside the grammar of names.` : `${file} does not belong in a vault.`;
}

function endsAsFilesDo(file: string): boolean {
  return /\.(enc|meta|escrow)$/.test(file);
}
