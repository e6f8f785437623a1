import { MANIFEST_FILE, secretFile } from "../format/layout.js";
import { formatSecretPath } from "../format/names.js";
import { shellPath } from "./damage.js";
import type { Finding } from "./finding.js";
import type { InspectedVault } from "./inspected-vault.js";

/** What the manifest names and the vault does not have. */
export function* inspectGroups({ state, files, manifest }: InspectedVault): Generator<Finding> {
  if (!manifest) return;
  const file = MANIFEST_FILE;
  const correction = `Correct it and commit the change: git commit ${shellPath(state, file)}.`;
  for (const problem of manifest.problems) {
    const message = `${MANIFEST_FILE}: ${problem}.`;
    yield { severity: "error", kind: "name", subject: MANIFEST_FILE, message, remedy: correction, file };
  }
  for (const [group, paths] of manifest.groups) {
    for (const path of paths) {
      if (files.has(secretFile(path))) continue;
      const secret = formatSecretPath(path);
      const message = `Group ${group} lists ${secret}, which has no file.`;
      yield {
        severity: "error",
        kind: "secret-without-file",
        subject: secret,
        message,
        remedy: `Store it: agent-vault set ${secret}.`,
        file,
      };
    }
  }
  for (const [path, agents] of manifest.extraAgents) {
    for (const agent of agents) {
      if (manifest.agents.has(agent)) continue;
      const message = `${formatSecretPath(path)} is granted to ${agent}, which is not an agent of this vault.`;
      yield { severity: "warning", kind: "unknown-agent", subject: agent, message, remedy: correction, file };
    }
  }
}
