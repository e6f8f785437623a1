import { VaultError } from "@agent-vault/vault/read-only";
import { addCaveat, createMacaroon, decodeMacaroon, encodeMacaroon, malformedToken, type Macaroon } from "./macaroon.js";

/** Before every token, so that scanners for secrets can tell one: `avt1_[A-Za-z0-9_-]{80,}`. */
export const TOKEN_PREFIX = "avt1_";
const LOCATION = "agent-vault";
const MAX_TOKEN_LENGTH = 16_384;

/** What a token says of itself, unverified. */
export interface Token {
  /** The id of the vault that it is for. */
  readonly vault: string;
  /** The root that it says it was signed with. */
  readonly root: string;
  /** Its own id. Those attenuated from it have the same. */
  readonly id: string;
  readonly macaroon: Macaroon;
}

/** A new token's text. @param caveats as text, in the order in which they are signed */
export function signToken(of: Pick<Token, "vault" | "root" | "id">, rootKey: Uint8Array, caveats: readonly string[]): string {
  return formatToken(caveats.reduce(addCaveat, createMacaroon(rootKey, `${of.vault}/${of.root}/${of.id}`, LOCATION)));
}

/**
 * Reads a token's text without verifying it.
 * @throws VaultError `TOKEN_INVALID`
 */
export function parseToken(text: string): Token {
  if (text === "") throw malformedToken("it is empty");
  if (!text.startsWith(TOKEN_PREFIX)) throw malformedToken(`it does not begin with ${TOKEN_PREFIX}`);
  if (text.length > MAX_TOKEN_LENGTH) throw malformedToken(`it is longer than ${MAX_TOKEN_LENGTH} characters`);
  const encoded = text.slice(TOKEN_PREFIX.length);
  const bytes = Buffer.from(encoded, "base64url");
  // Node reads over what is not base64url.
  if (bytes.toString("base64url") !== encoded) throw malformedToken("it is not base64url");
  const macaroon = decodeMacaroon(bytes);
  const [, vault, root, id] = /^([0-9A-Za-z-]{8,64})\/([0-9a-f]{16})\/([0-9a-f]{16})$/.exec(macaroon.identifier) ?? [];
  if (macaroon.location !== LOCATION || vault === undefined || root === undefined || id === undefined) {
    throw malformedToken("it was made for something else");
  }
  return { vault, root, id, macaroon };
}

/**
 * A token that allows less: no vault and no key are needed for that, and nothing can be taken away again.
 * @throws VaultError `TOKEN_INVALID`; `INVALID_VALUE` where it would grow too long
 */
export function attenuate(token: string, caveats: readonly string[]): string {
  const attenuated = formatToken(caveats.reduce(addCaveat, parseToken(token).macaroon));
  if (attenuated.length <= MAX_TOKEN_LENGTH) return attenuated;
  throw new VaultError("INVALID_VALUE", `With these restrictions the token would be longer than ${MAX_TOKEN_LENGTH} characters.`, {
    remedy: "Give fewer, or mint a new token with them.",
  });
}

function formatToken(macaroon: Macaroon): string {
  return TOKEN_PREFIX + Buffer.from(encodeMacaroon(macaroon)).toString("base64url");
}
