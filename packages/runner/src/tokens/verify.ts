import { createHash } from "node:crypto";
import type { TokenStore, UseLimit } from "@agent-vault/ledger";
import { VaultError } from "@agent-vault/vault/read-only";
import type { UseRequest } from "../policy/use-request.js";
import { readCaveat, type Caveat } from "./caveats.js";
import { verifiedSignatures } from "./macaroon.js";
import { parseToken } from "./token.js";

/** A token that was verified. */
export interface VerifiedToken {
  readonly id: string;
  readonly note: string | undefined;
  readonly caveats: readonly string[];
  readonly created: Date;
  /** From when on it is no longer valid. */
  readonly expires: Date;
}

/** A token that is genuine and valid at this time, whatever it may be used for. */
export interface GenuineToken extends VerifiedToken {
  /** For each caveat that counts uses, in order. */
  readonly limits: readonly UseLimit[];
  readonly restrictions: readonly Caveat[];
}

/** How far this machine's clock may have been put back since a token was minted. */
const MAX_CLOCK_SETBACK_MS = 60_000;

/**
 * Checks a use against a token, and counts it where the token limits the number of uses: after all other checks, and whether or not the use
 * succeeds.
 * @param store of the vault that the secrets are in
 * @param now the time at which the use begins
 * @throws VaultError `TOKEN_INVALID` for what is not a token, is forged, or is another vault's; `TOKEN_REVOKED`, also for one of another
 *   machine; `TOKEN_EXPIRED`; `TOKEN_DENIED` naming the caveat that does not allow it; `TOKEN_USED_UP`
 */
export async function verifyToken(store: TokenStore, token: string, use: UseRequest, now: Date): Promise<VerifiedToken> {
  const genuine = await checkToken(store, token, use, now);
  await spendToken(store, genuine);
  return genuine;
}

/** As {@link verifyToken}, without counting the use. */
export async function checkToken(store: TokenStore, token: string, use: UseRequest, now: Date): Promise<GenuineToken> {
  const genuine = await authenticate(store, token, now);
  const broken = genuine.restrictions.find((caveat) => !caveat.allows(use));
  if (broken) throw denied(broken.text);
  return genuine;
}

/** Counts a use of a token, where the token limits their number. @throws VaultError `TOKEN_USED_UP`, `TOKEN_REVOKED` */
export async function spendToken(store: TokenStore, token: GenuineToken): Promise<void> {
  if (token.limits.length === 0) return;
  const reached = await store.spend(token, token.limits);
  if (reached === "revoked") throw revoked();
  if (reached) throw usedUp(reached);
}

/**
 * Checks that a token is one of this vault and valid at this time. It is not counted as a use.
 * @throws VaultError as {@link verifyToken}, `TOKEN_DENIED` for a caveat that is unknown
 */
export async function authenticate(store: TokenStore, text: string, now: Date): Promise<GenuineToken> {
  const { vault, root: rootId, id, macaroon } = parseToken(text);
  if (vault !== store.vault) throw ofAnotherVault(vault);
  const { root, token } = await store.find(rootId, id);
  if (!root) throw revoked();
  const signatures = verifiedSignatures(macaroon, root.key);
  if (!signatures) throw forged();
  if (!token || token.isRevoked) throw revoked();

  const { caveats } = macaroon;
  const restrictions = caveats.map((caveat) => readCaveat(caveat) ?? never(caveat));
  const until = [token.expires, ...restrictions.flatMap((caveat) => caveat.until ?? [])];
  const expires = new Date(Math.min(...until.map((time) => time.getTime())));
  if (!(now < expires)) throw expired(expires);
  if (now.getTime() < token.created.getTime() - MAX_CLOCK_SETBACK_MS) throw clockIsBehind(now, token.created);
  // What is counted hangs on the signature up to the caveat: all tokens attenuated from one share its count, and have one of their own.
  const limits = restrictions.flatMap(({ uses }, index) =>
    uses === undefined ? [] : { counter: createHash("sha256").update(signatures[index]!).digest("hex"), limit: uses },
  );
  return { id, note: token.note, caveats, created: token.created, expires, limits, restrictions };
}

/** An unknown caveat may mean anything, so it allows nothing. */
function never(text: string): Caveat {
  return { text, allows: () => false };
}

function denied(caveat: string): VaultError {
  const shown = caveat.length > 200 ? `${caveat.slice(0, 200)}…` : caveat;
  return new VaultError("TOKEN_DENIED", `The token does not allow this: it is for ${shown} only.`, {
    remedy: "Ask its issuer for another token. agent-vault token inspect shows what this one is restricted to.",
  });
}

function revoked(): VaultError {
  return new VaultError("TOKEN_REVOKED", "The token was revoked, expired long ago, or was minted on another machine.", {
    remedy: "Ask for a new one, minted here with agent-vault token mint.",
  });
}

function forged(): VaultError {
  return new VaultError("TOKEN_INVALID", "The token was changed after it was minted.", {
    remedy: "Use it as it was printed; ask for another if it was not you who changed it.",
  });
}

function ofAnotherVault(vault: string): VaultError {
  return new VaultError("TOKEN_INVALID", `The token is for another vault (${vault}).`, {
    remedy: "Go to that vault's repository, or ask for a token of this one.",
  });
}

function expired(when: Date): VaultError {
  return new VaultError("TOKEN_EXPIRED", `The token expired at ${when.toISOString()}.`, {
    remedy: "Ask for a new one, or set this machine's clock if it is wrong.",
  });
}

function clockIsBehind(now: Date, created: Date): VaultError {
  return new VaultError(
    "TOKEN_DENIED",
    `The token was minted at ${created.toISOString()}, and this machine's clock says ${now.toISOString()}.`,
    { remedy: "Set this machine's clock." },
  );
}

function usedUp({ limit }: UseLimit): VaultError {
  return new VaultError("TOKEN_USED_UP", `The token was for ${limit === 1 ? "one use" : `${limit} uses`}, and there are none left.`, {
    remedy: "Ask for a new one.",
  });
}
