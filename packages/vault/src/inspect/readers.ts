import { withoutArmor } from "../age/armor.js";
import { parseHeader } from "../age/header.js";
import { hasRecipients } from "../age/recipient.js";
import { MANIFEST_FILE, publicKeyFile, secretFile } from "../format/layout.js";
import { formatSecretPath, type SecretPath } from "../format/names.js";
import { plural } from "../text/counts.js";
import type { Finding } from "./finding.js";
import type { InspectedVault } from "./inspected-vault.js";

/** Whether a secret has a group, and as many recipients as the manifest says. */
export function* inspectReaders(vault: InspectedVault, path: SecretPath): Generator<Finding> {
  const { state, files, manifest } = vault;
  if (!manifest) return;
  const secret = formatSecretPath(path);
  if (manifest.groupsOf(path).length === 0) {
    yield {
      severity: "warning",
      kind: "secret-without-group",
      subject: secret,
      message: `${secret} is listed by no group, so no group's agents can read it.`,
      remedy: `List it: agent-vault set ${secret} --keep-value.`,
      file: MANIFEST_FILE,
    };
  }
  const reachable = state.agentsOf(path).filter((agent) => files.has(publicKeyFile(agent))).length;
  const difference = recipientDifference(vault, state.head(path)!, reachable);
  if (difference === undefined) return;
  yield {
    severity: "error",
    kind: "recipients-differ",
    subject: secret,
    message: `${secret} ${difference}`,
    remedy: `Re-encrypt it: agent-vault set ${secret} --keep-value. Rotate it too if someone may have read it who should not have.`,
    file: secretFile(path),
  };
}

/**
 * How the recipients of an encrypted file differ from the owners and so many agents, as the end of a sentence; `undefined` where they
 * do not.
 * @throws VaultError `DAMAGED` where the file has no valid header
 */
export function recipientDifference({ owners }: InspectedVault, file: Uint8Array, agents: number): string | undefined {
  const types = parseHeader(withoutArmor(file)).stanzas.map(({ args }) => args[0]!);
  if (!owners) return undefined;
  const wanted = owners.length + agents;
  if (hasRecipients(types, wanted, owners[0]!.recipient.kind)) return undefined;
  return `is encrypted to ${plural(types.length, "recipient")} and should be to ${wanted}.`;
}
