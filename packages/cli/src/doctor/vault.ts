import { findKeyMaterial } from "@agent-vault/hooks";
import { dirname } from "node:path";
import {
  branchName,
  changeFolder,
  claimsIn,
  findGitFolders,
  findVaultKeys,
  memoryFolder,
  openVault,
  memoryFile,
  readMemory,
  verify,
  type Context,
  type KeyChoice,
  type Keys,
  type Principal,
} from "@agent-vault/vault";
import { diagnose, error, ok, warning, type Diagnosis } from "./diagnosis.js";

/** The clock of the machine that signed the vault may be ahead by this much. */
const CLOCK_TOLERANCE_MS = 300_000;

/** The vault's signed state, whether this machine trusts its signer, and the clock. */
export async function examineVault(context: Context, root: string, key: KeyChoice): Promise<Diagnosis[]> {
  try {
    const opened = await openVault(context, root, "files", { keys: usableKeys(context, root, key), quiet: true });
    const { trusted } = opened;
    const wrong = await examineFiles(context, root);
    if (!trusted) return [warning("vault", `Nobody has signed ${root}.`, "An owner signs it with agent-vault sign."), ...wrong];
    const principal = await opened.principal();
    return [
      ...(wrong.length > 0
        ? wrong
        : [ok("vault", `${root} is in state ${trusted.lock.sequence}.${principal ? ` ${describe(principal)}` : ""}`)]),
      examineTrust(context, trusted.lock.vault),
      examineClock(context, trusted.lock.signedAt),
      ...examineClaims(context, root, trusted.lock.vault),
    ];
  } catch (failure) {
    return [diagnose("vault", failure)];
  }
}

/** The errors that `verify` finds, but for what has a diagnosis of its own. */
async function examineFiles(context: Context, root: string): Promise<Diagnosis[]> {
  const { findings } = await verify(context, root, { findKeys: findKeyMaterial });
  return findings
    .filter(({ severity, kind }) => severity === "error" && kind !== "unsigned" && kind !== "key-permissions")
    .map(({ message, remedy }) => error("vault", message, remedy));
}

/** A key that cannot be read has a diagnosis of its own. */
function usableKeys(context: Context, root: string, key: KeyChoice): Keys | undefined {
  try {
    return findVaultKeys(context, root, key);
  } catch {
    return undefined;
  }
}

function describe({ role, name }: Principal): string {
  if (name === undefined) return "Your key is not a reader of this vault.";
  return name === role ? `You are the ${role}.` : `You are ${role} ${name}.`;
}

function examineTrust(context: Context, vaultId: string): Diagnosis {
  const memory = readMemory(context, vaultId);
  if (!memory) return ok("trust", "Nothing is remembered about this vault yet.");
  const places = Object.entries(memory.remotes).flatMap(([remote, { home, refs }]) =>
    Object.entries(refs).map(([ref, states]) => `${remote} ${branchName(ref)}${ref === home ? " (main)" : ""}: state ${numbers(states)}`),
  );
  const seen = places.length > 0 ? places.join("; ") : `state ${numbers(memory.accepted)}`;
  const message = `Remembered in ${memoryFile(context, vaultId)}: ${seen}.`;
  if (memory.pinned.length > 0) return ok("trust", `${message} Its owner's key was confirmed.`);
  return warning(
    "trust",
    `${message} Its signer was accepted without a second check (trust on first use).`,
    "Compare the fingerprint in agent-vault list-owners with its owner's, and set AGENT_VAULT_OWNER to the key.",
  );
}

/** Claims of processes that change the vault, or what is remembered of it: one that is not renewed was left behind. */
function examineClaims(context: Context, root: string, vaultId: string): Diagnosis[] {
  const git = findGitFolders(dirname(root));
  const claims = [...(git ? claimsIn(changeFolder(git.gitDir)) : []), ...claimsIn(memoryFolder(context, vaultId))];
  return claims.map(({ file, ageS }) =>
    ageS < 60
      ? ok("lock", `A process is changing this vault: ${file}, renewed ${ageS} seconds ago.`)
      : warning("lock", `A process that is gone has left ${file}, ${ageS} seconds ago.`, "The next change removes it."),
  );
}

function numbers(states: readonly { readonly sequence: number }[]): string {
  return states.map(({ sequence }) => sequence).join(" and ");
}

function examineClock(context: Context, signedAt: Date): Diagnosis {
  const now = context.now();
  const aheadMs = signedAt.getTime() - now.getTime();
  if (aheadMs <= CLOCK_TOLERANCE_MS) return ok("clock", `${now.toISOString().slice(0, 16)}Z, after the vault was signed.`);
  return warning(
    "clock",
    `This machine's clock is ${Math.round(aheadMs / 60_000)} minutes behind the vault's signature.`,
    "Set the clock: expiry, tokens and rotation depend on it.",
  );
}
