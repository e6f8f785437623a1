import { findVault, type Context, type KeyChoice } from "@agent-vault/vault";
import { ok, type Diagnosis } from "./diagnosis.js";
import { examineKey, examineKeyFiles, examineToken } from "./keys.js";
import { examineLedger } from "./ledger.js";
import { examineEngine, examineGit, examineNode, examineProgram } from "./programs.js";
import { examineHook, examineMergeDriver, examineRepository } from "./repository.js";
import { examineVault } from "./vault.js";

/**
 * Checks what agent-vault depends on: programs, keys, the vault of this folder, its hook and its ledger. Changes nothing.
 * @param version of agent-vault
 */
export async function examine(context: Context, version: string, key: KeyChoice): Promise<Diagnosis[]> {
  const root = vaultHere(context);
  const machine = [
    examineProgram(version),
    examineNode(),
    await examineGit(context),
    await examineEngine(context),
    ...examineKeyFiles(context),
    examineKey(context, root, key),
    ...examineToken(context),
  ];
  if (root === undefined) return [...machine, ok("vault", "There is none in this folder or above it. Create one with agent-vault init.")];
  return [
    ...machine,
    ...(await examineVault(context, root, key)),
    await examineRepository(context, root),
    await examineHook(context, root),
    await examineMergeDriver(context, root),
    await examineLedger(context, root, key),
  ];
}

function vaultHere(context: Context): string | undefined {
  try {
    return findVault(context);
  } catch {
    return undefined;
  }
}
