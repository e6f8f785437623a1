import { describe, expect, it, vi } from "vitest";
import { decrypt, decryptWithPassphrase } from "#vault/age/decrypt.js";
import { parseIdentity } from "#vault/age/identity.js";
import { VECTORS, type Vector } from "./vectors.js";

vi.mock("age-encryption", () => {
  throw new Error("age-encryption was loaded");
});

const isNative = ({ identities }: Vector) => !identities.some((text) => text.startsWith("AGE-SECRET-KEY-PQ-"));

describe("binary and armored files, X25519 identities and passphrases", () => {
  const vectors = VECTORS.filter(isNative);

  it("are 124 of the vectors", () => {
    expect(vectors).toHaveLength(124);
  });

  it.each(vectors)("need no library: $name", async ({ file, identities, passphrases, expect: outcome }) => {
    const decrypted = passphrases.length > 0 ? decryptWithPassphrase(file, passphrases[0]!) : decrypt(file, identities.map(parseIdentity));
    const result = await decrypted.then(
      () => "success",
      (error: unknown) => (error as { code: string }).code,
    );
    expect(result).toBeOneOf(outcome === "success" ? ["success"] : ["DAMAGED", "NOT_AUTHORIZED", "WRONG_PASSPHRASE"]);
  });
});
