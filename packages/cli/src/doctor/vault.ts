import { findKeyMaterial } from "@agent-vault/hooks";
import {
  findVaultKeys,
  openVault,
  readTrust,
  trustFile,
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
  return name === undefined ? "Your key is not a reader of this vault." : `You are ${role} ${name}.`;
}

function examineTrust(context: Context, vaultId: string): Diagnosis {
  const trust = readTrust(context, vaultId);
  if (!trust) return ok("trust", "Nothing is remembered about this vault yet.");
  const message = `State ${trust.sequence} is remembered in ${trustFile(context, vaultId)}.`;
  if (trust.pinned.length > 0) return ok("trust", `${message} Its owner's key was confirmed.`);
  return warning(
    "trust",
    `${message} Its signer was accepted without a second check (trust on first use).`,
    "Compare the fingerprint in agent-vault list-owners with its owner's, and set AGENT_VAULT_OWNER to the key.",
  );
}

function examineClock(context: Context, signedAt: Date): Diagnosis {
  const now = context.now();
  const aheadMs = signedAt.getTime() - now.getTime();
  if (aheadMs <= CLOCK_TOLERANCE_MS) return ok("clock", `${now.toISOString()}, after the vault was signed.`);
  return warning(
    "clock",
    `This machine's clock is ${Math.round(aheadMs / 60_000)} minutes behind the vault's signature.`,
    "Set the clock: expiry, tokens and rotation depend on it.",
  );
}
