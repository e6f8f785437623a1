import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { Context } from "../context.js";
import type { AddFinding, Finding } from "./finding.js";
import { digestFiles } from "../files/digest-files.js";
import { readConsistently } from "../reading/read-consistently.js";
import { hasSignOfHalfWrite } from "./half-write.js";
import { inspect } from "./inspect.js";
import { assessTrust } from "./trust-assessment.js";
import { shellWord } from "../text/shell-word.js";
import { VaultState } from "../files/vault-state.js";

/**
 * Inspects a whole vault and the keys at home, without any key: expiry, rotation, access, names, damage, and whether the vault is what
 * its owner signed. A problem of the vault becomes a finding and not an exception.
 * @param root absolute path of the vault's folder
 * @throws VaultError `INVALID_KEY`, `DAMAGED` for what is outside the vault: AGENT_VAULT_OWNER, and what this machine has recorded of the vault
 */
export async function check(context: Context, root: string): Promise<Finding[]> {
  const findings = await readConsistently(context, root, () => checkVault(context, root), hasSignOfHalfWrite);
  checkKeyFiles(context, (severity, kind, subject, message, remedy) => findings.push({ severity, kind, subject, message, remedy }));
  return findings;
}

async function checkVault(context: Context, root: string): Promise<Finding[]> {
  const state = new VaultState(root);
  const { findings } = await assessTrust(context, root, state, digestFiles(state.source).digests);
  return [...findings, ...inspect(context, state)];
}

/** Finds keys at home that other users could read, or nobody. Windows has no such modes. */
export function checkKeyFiles(context: Context, add: AddFinding): void {
  if (process.platform === "win32" || !existsSync(context.home)) return;
  for (const folder of [context.home, join(context.home, "agents"), join(context.home, "owners")]) {
    if (!existsSync(folder)) continue;
    if (statSync(folder).mode & 0o077)
      add("error", "key-permissions", folder, `${folder} is accessible to other users.`, `Close it: chmod 700 ${shellWord(folder)}.`);
    for (const name of readdirSync(folder)) {
      if (!/\.key(?:\.|$)/.test(name)) continue;
      const file = join(folder, name);
      const mode = modeOf(file);
      if (mode === undefined) add("warning", "link", file, `${file} is a link that points nowhere.`, `Remove it: rm ${shellWord(file)}.`);
      else if (mode & 0o077)
        add("error", "key-permissions", file, `${file} is accessible to other users.`, `Close it: chmod 600 ${shellWord(file)}.`);
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
