import type { Context } from "../context.js";
import type { VaultState } from "../files/vault-state.js";
import { metadataFile, secretFile } from "../format/layout.js";
import { formatSecretPath } from "../format/names.js";
import { inspectAgents } from "./agents.js";
import { damageAsFinding } from "./damage.js";
import { inspectFiles } from "./files.js";
import type { Finding } from "./finding.js";
import { inspectGroups } from "./groups.js";
import { openForInspection, type InspectedVault } from "./inspected-vault.js";
import { inspectMetadata, inspectMetadataWithoutSecret } from "./metadata.js";
import { inspectReaders } from "./readers.js";

/**
 * Looks through what the files of a vault say, without any key, signed or not: each against the manifest, and against the clock. A file
 * that cannot be read is a finding too, and then what depends on it is left out.
 */
export function inspect(context: Context, state: VaultState): Finding[] {
  const { files, findings } = inspectFiles(state);
  const { vault, damage } = openForInspection(context, state, files);
  return [
    ...findings,
    ...damage,
    ...inspectGroups(vault),
    ...inspectSecrets(vault),
    ...inspectMetadataWithoutSecret(vault),
    ...inspectAgents(vault),
  ];
}

function* inspectSecrets(vault: InspectedVault): Generator<Finding> {
  for (const path of vault.secrets) {
    const secret = formatSecretPath(path);
    yield* damageAsFinding(vault.state, secret, secretFile(path), inspectReaders(vault, path));
    yield* damageAsFinding(vault.state, secret, metadataFile(path), inspectMetadata(vault, path));
  }
}
