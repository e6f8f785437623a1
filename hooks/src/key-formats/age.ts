import { characters, isPlaceholder, MAX_HEADER_LENGTH, type KeyFormat, type KeyReader } from "./key-format.js";

const AGE_IDENTITY = /^AGE-SECRET-KEY-(PQ-)?1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}/;

/**
 * Bech32 of 32 bytes: 52 characters and a checksum of 6. The checksum is not verified: a mistyped key still gives most of the key away.
 */
const ageIdentity: KeyReader = (window, at, width) => {
  const match = AGE_IDENTITY.exec(characters(window, at, MAX_HEADER_LENGTH, width).toUpperCase());
  if (!match || isPlaceholder(match[0].slice(-58))) return undefined;
  return { kind: match[1] ? "age-post-quantum-identity" : "age-identity", text: match[0] };
};

/** Identities of age. */
export const AGE_FORMATS: readonly KeyFormat[] = [
  { beginning: "AGE-SECRET-KEY-", read: ageIdentity },
  { beginning: "age-secret-key-", read: ageIdentity },
];
