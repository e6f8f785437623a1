import { createHash } from "node:crypto";
import { armor, Decrypter } from "age-encryption";
import { describe, expect, it } from "vitest";
import { decrypt, decryptWithPassphrase } from "#vault/age/decrypt.js";
import { encodeHeader, parseHeader } from "#vault/age/header.js";
import { parseIdentity } from "#vault/age/identity.js";
import { ScryptIdentity } from "#vault/age/scrypt.js";
import { VECTORS, type Vector } from "./vectors.js";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

function open({ file, identities, passphrases }: Vector): Promise<Uint8Array> {
  return passphrases.length > 0 ? decryptWithPassphrase(file, passphrases[0]!) : decrypt(file, identities.map(parseIdentity));
}

function expectedCode({ name, expect: outcome, passphrases }: Vector): string {
  if (outcome !== "no match") return "DAMAGED";
  // Its type is spelled `Scrypt`, so it is no passphrase's file at all.
  return passphrases.length > 0 && name !== "scrypt_uppercase" ? "WRONG_PASSPHRASE" : "NOT_AUTHORIZED";
}

describe("the vectors of cctv-age", () => {
  it("are all there", () => {
    expect(VECTORS).toHaveLength(143);
  });

  describe.each(VECTORS)("$name", (vector) => {
    it(`decrypts to: ${vector.expect}`, async () => {
      if (vector.expect === "success") {
        expect(sha256(await open(vector))).toBe(vector.payload);
      } else {
        await expect(open(vector)).rejects.toMatchObject({ name: "VaultError", code: expectedCode(vector) });
      }
    });

    it(`with our identities in age-encryption's Decrypter: ${vector.expect}`, async () => {
      const decrypter = new Decrypter();
      for (const passphrase of vector.passphrases) decrypter.addIdentity(new ScryptIdentity(passphrase));
      for (const text of vector.identities) decrypter.addIdentity(parseIdentity(text));
      const decrypted = (async () => decrypter.decrypt(vector.armored ? armor.decode(vector.file.toString()) : vector.file))();
      if (vector.expect === "success") expect(sha256(await decrypted)).toBe(vector.payload);
      else await expect(decrypted).rejects.toThrow();
    });
  });

  it("have headers that come out of the encoder as they went in", () => {
    const readable = VECTORS.filter(({ expect: outcome, armored }) => !armored && !outcome.startsWith("header"));
    for (const { name, file } of readable) {
      const { stanzas, bytesWithoutMac } = parseHeader(file);
      const encoded = encodeHeader(stanzas, new Uint8Array(16));
      expect(Buffer.compare(encoded.subarray(0, bytesWithoutMac.length), bytesWithoutMac), name).toBe(0);
    }
    expect(readable).toHaveLength(50);
  });
});
