import { metadataFile, secretFile } from "../format/layout.js";
import { parseMetadata, rotationDue } from "../format/metadata.js";
import { formatSecretPath, type SecretPath } from "../format/names.js";
import { DAY_MS } from "../text/duration.js";
import { shellPath } from "./damage.js";
import type { Finding } from "./finding.js";
import type { InspectedVault } from "./inspected-vault.js";

/** Whether a secret's metadata agrees with the manifest, and whether the secret has expired or is due for rotation. */
export function* inspectMetadata({ state, manifest, settings, now }: InspectedVault, path: SecretPath): Generator<Finding> {
  const subject = formatSecretPath(path);
  const file = metadataFile(path);
  const rewriting = `Write it again: agent-vault set ${subject} --keep-value.`;
  const bytes = state.read(file);
  if (!bytes) {
    const message = `${subject} has no metadata.`;
    yield { severity: "warning", kind: "secret-without-metadata", subject, message, remedy: rewriting, file: secretFile(path) };
    return;
  }
  const metadata = parseMetadata(bytes, path);
  const authorized = new Set(metadata.authorized_agents ?? []);
  const agents = manifest ? state.agentsOf(path) : [...authorized];
  const differing = [...new Set([...authorized, ...agents])].filter((agent) => authorized.has(agent) !== agents.includes(agent));
  if (differing.length > 0) {
    const message = `The metadata of ${subject} and the manifest disagree on ${differing.join(", ")}.`;
    yield { severity: "warning", kind: "metadata-differs", subject, message, remedy: rewriting, file };
  }
  if (metadata.expires) {
    const left = Date.parse(metadata.expires) - now.getTime();
    const day = metadata.expires.slice(0, 10);
    const remedy = `Set a new value: agent-vault set ${subject} --expires 90d.`;
    if (left <= 0) yield { severity: "error", kind: "expired", subject, message: `${subject} expired on ${day}.`, remedy, file };
    else if (left < (settings?.expiry_warning_days ?? 0) * DAY_MS)
      yield { severity: "warning", kind: "expiring", subject, message: `${subject} expires on ${day}.`, remedy, file };
  }
  const due = rotationDue(metadata);
  if (due && due <= now) {
    const message = `${subject} was due for rotation on ${due.toISOString().slice(0, 10)}.`;
    const remedy = `Rotate it at the source, then store the new value: agent-vault set ${subject}.`;
    yield { severity: "warning", kind: "rotation-overdue", subject, message, remedy, file };
  }
}

/** Metadata whose secret has no file. */
export function* inspectMetadataWithoutSecret({ state, files }: InspectedVault): Generator<Finding> {
  for (const found of files.values()) {
    if (found.kind !== "metadata" || files.has(secretFile(found.path))) continue;
    const subject = formatSecretPath(found.path);
    const file = metadataFile(found.path);
    const message = `${subject} has metadata and no value.`;
    const remedy = `Store a value: agent-vault set ${subject}; or remove the metadata: rm ${shellPath(state, file)}.`;
    yield { severity: "warning", kind: "metadata-without-secret", subject, message, remedy, file };
  }
}
