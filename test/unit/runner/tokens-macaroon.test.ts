import fc from "fast-check";
import { importMacaroon, newMacaroon } from "macaroon";
import { describe, expect, it } from "vitest";
import { addCaveat, createMacaroon, decodeMacaroon, encodeMacaroon, verifiedSignatures, type Macaroon } from "#runner/tokens/macaroon.js";

const ROOT = new Uint8Array(32).fill(7);
const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 300 });
const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const caveats = fc.array(text, { maxLength: 5 });

function make(identifier: string, location: string, rootKey: Uint8Array, list: readonly string[]): Macaroon {
  return list.reduce(addCaveat, createMacaroon(rootKey, identifier, location));
}

describe("a macaroon", () => {
  it("comes back as it was written", () => {
    fc.assert(
      fc.property(text, fc.string({ maxLength: 20 }), key, caveats, (identifier, location, rootKey, list) => {
        const macaroon = make(identifier, location, rootKey, list);
        expect(decodeMacaroon(encodeMacaroon(macaroon))).toEqual(macaroon);
        expect(verifiedSignatures(macaroon, rootKey)).toHaveLength(list.length);
      }),
    );
  });

  it("is what the package macaroon writes, byte for byte, and verifies there", () => {
    fc.assert(
      fc.property(text, key, caveats, (identifier, rootKey, list) => {
        const ours = encodeMacaroon(make(identifier, "agent-vault", rootKey, list));
        const theirs = newMacaroon({ identifier, location: "agent-vault", rootKey, version: 2 });
        for (const caveat of list) theirs.addFirstPartyCaveat(caveat);
        expect(Buffer.from(theirs.signature).equals(ours.subarray(-32))).toBe(true);
        // It doubles its buffer with each packet that it writes.
        if (list.length <= 2) expect(Buffer.from(theirs.exportBinary()).equals(ours)).toBe(true);
        const seen: string[] = [];
        importMacaroon(ours).verify(rootKey, (caveat) => (seen.push(caveat), null), []);
        expect(seen).toEqual(list);
      }),
      { numRuns: 40 },
    );
  });

  it("verifies here when the package macaroon has attenuated it", () => {
    const theirs = importMacaroon(encodeMacaroon(make("id", "agent-vault", ROOT, ["secret = a/b"])));
    theirs.addFirstPartyCaveat("uses = 1");
    const macaroon = decodeMacaroon(theirs.exportBinary());
    expect(macaroon.caveats).toEqual(["secret = a/b", "uses = 1"]);
    expect(verifiedSignatures(macaroon, ROOT)).toHaveLength(2);
  });

  it("is refused with a caveat for a third party", () => {
    const theirs = newMacaroon({ identifier: "id", location: "agent-vault", rootKey: ROOT, version: 2 });
    theirs.addThirdPartyCaveat(ROOT, Buffer.from("who are you?"), "https://example.com");
    expect(() => decodeMacaroon(theirs.exportBinary())).toThrow(expect.objectContaining({ code: "TOKEN_INVALID" }));
  });

  it("is never another macaroon that verifies after a bit of it was turned", () => {
    const bytes = encodeMacaroon(make("vault/root/id", "agent-vault", ROOT, ["secret = a/b", "uses = 1"]));
    const location = Buffer.from(bytes).indexOf("agent-vault");
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const turned = Uint8Array.from(bytes);
      turned[bit >> 3]! ^= 1 << (bit & 7);
      let macaroon: Macaroon | undefined;
      try {
        macaroon = decodeMacaroon(turned);
      } catch (error) {
        expect(error).toMatchObject({ code: "TOKEN_INVALID" });
      }
      const verifies = macaroon !== undefined && verifiedSignatures(macaroon, ROOT) !== undefined;
      // Only the location is not signed.
      const isLocation = bit >> 3 >= location && bit >> 3 < location + "agent-vault".length;
      if (!isLocation) expect([bit, verifies]).toEqual([bit, false]);
    }
  });

  it("is refused where it is cut, continued, or any bytes", () => {
    const bytes = encodeMacaroon(make("id", "", ROOT, ["secret = a/b"]));
    const refused = (candidate: Uint8Array): void => {
      expect(() => decodeMacaroon(candidate)).toThrow(expect.objectContaining({ code: "TOKEN_INVALID" }));
    };
    for (let length = 0; length < bytes.length; length++) refused(bytes.subarray(0, length));
    refused(Buffer.concat([bytes, Uint8Array.of(0)]));
    // The same length in more bytes than it takes.
    const id = Buffer.from(bytes).indexOf(Buffer.from([2, 2]));
    refused(Buffer.concat([bytes.subarray(0, id + 1), Uint8Array.of(0x82, 0), bytes.subarray(id + 2)]));
    refused(Uint8Array.of(2, 1, 0, ...bytes.subarray(1)));
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), refused));
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (rest) => refused(Uint8Array.of(2, 2, 1, 65, 0, ...rest))));
  });
});
