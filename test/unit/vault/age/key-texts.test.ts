import { inspect } from "node:util";
import { bech32 } from "@scure/base";
import { identityToRecipient } from "age-encryption";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encrypt } from "#vault/age/encrypt.js";
import { generateIdentity, parseIdentity } from "#vault/age/identity.js";
import { parseRecipient, requireUniform, type RecipientKind } from "#vault/age/recipient.js";
import { decodeBase64, encodeBase64 } from "#vault/age/base64.js";
import { newKey } from "./keys.js";

const KINDS: RecipientKind[] = ["x25519", "post-quantum"];
/** The example of C2SP age.md. */
const IDENTITY = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
const RECIPIENT = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";

/** All that a person, a log or a debugger may see of an error or a key. */
function shown(value: unknown): string {
  return `${inspect(value, { depth: 10, showHidden: true, getters: true })} ${JSON.stringify(value)} ${String(value)}`;
}

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

describe("an identity", () => {
  it("gives the recipient of the specification's example", async () => {
    expect(await parseIdentity(IDENTITY).recipient()).toBe(RECIPIENT);
  });

  it.each(KINDS)("of kind %s is generated, read again and known to age-encryption", async (kind) => {
    const identity = await generateIdentity(kind);
    const again = parseIdentity(`\t${identity.reveal()}\r\n`);
    expect([identity.kind, again.kind]).toEqual([kind, kind]);
    expect(again.reveal()).toBe(identity.reveal());
    expect(await again.recipient()).toBe(await identityToRecipient(identity.reveal()));
    expect(parseRecipient(await identity.recipient()).kind).toBe(kind);
    expect((await generateIdentity(kind)).reveal()).not.toBe(identity.reveal());
  });

  it.each(KINDS)("of kind %s shows no key when it is printed or written as JSON", async (kind) => {
    const identity = await generateIdentity(kind);
    await identity.recipient();
    const secret = identity.reveal().slice(20, 40);
    const output = shown({ identity });
    expect(output).toContain(kind);
    expect(output).not.toContain(secret);
    expect(output).not.toMatch(/secret-key|#scalar|#text/i);
    expect(structuredClone({ ...identity })).toEqual({ kind });
  });

  it.each([
    ["with a wrong letter", IDENTITY.replace("GFPY", "GFPQ")],
    ["with a letter outside the alphabet", IDENTITY.replace("GFPY", "GFPB")],
    ["cut short", IDENTITY.slice(0, -1)],
    ["in lower case", IDENTITY.toLowerCase()],
    ["of 31 bytes", bech32.encodeFromBytes("AGE-SECRET-KEY-", new Uint8Array(31)).toUpperCase()],
    ["with another prefix", bech32.encodeFromBytes("AGE-PLUGIN-X-", new Uint8Array(32)).toUpperCase()],
    ["of a whole key file", `# created\n${IDENTITY}`],
    ["that is a recipient", RECIPIENT],
    ["that is empty", ""],
  ])("%s is INVALID_KEY, and the error shows nothing of it", (_, text) => {
    const error = thrownBy(() => parseIdentity(text));
    expect(error).toMatchObject({ name: "VaultError", code: "INVALID_KEY" });
    expect(shown(error)).not.toMatch(/GFPYYSJZ|gfpyysjz|zvkyg2lq/);
  });
});

describe("a recipient", () => {
  it("is read without the white space around it", () => {
    expect(parseRecipient(` ${RECIPIENT}\r\n`)).toMatchObject({ kind: "x25519", text: RECIPIENT });
  });

  it.each([
    ["with a wrong letter", RECIPIENT.replace("zvky", "zvkq")],
    ["cut short", RECIPIENT.slice(0, -1)],
    ["in upper case", RECIPIENT.toUpperCase()],
    ["of 31 bytes", bech32.encodeFromBytes("age", new Uint8Array(31).fill(9))],
    ["post-quantum and too short", bech32.encodeFromBytes("age1pq", new Uint8Array(32))],
    ["with a tag's prefix", bech32.encodeFromBytes("age1tag", new Uint8Array(33))],
    ["of SSH", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH0gx"],
    ["and a second one", `${RECIPIENT}\n${RECIPIENT}`],
    ["that is empty", ""],
  ])("%s is INVALID_RECIPIENT", (_, text) => {
    expect(() => parseRecipient(text)).toThrow(expect.objectContaining({ name: "VaultError", code: "INVALID_RECIPIENT" }));
  });

  it.each([IDENTITY, ` ${IDENTITY.toLowerCase()}\n`, `age1 ${IDENTITY}`, "correct horse battery staple"])(
    "that is a secret by mistake is not shown (%#)",
    (text) => {
      const error = thrownBy(() => parseRecipient(text));
      expect(error).toMatchObject({ code: "INVALID_RECIPIENT" });
      expect(shown(error)).not.toMatch(/gfpyysjz|correct/i);
    },
  );

  // RFC 7748, section 7, and Bernstein's list: all points whose product with any private key is zero, also with the unused top bit set.
  it.each([
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  ])("of low order (%s) is refused, and so is such a share in a file", async (hex) => {
    const point = Buffer.from(hex, "hex");
    expect(() => parseRecipient(bech32.encodeFromBytes("age", point))).toThrow(expect.objectContaining({ code: "INVALID_RECIPIENT" }));
    const { identity } = await newKey();
    const stanza = { args: ["X25519", encodeBase64(point)], body: new Uint8Array(32) };
    expect(() => identity.unwrapFileKey([stanza])).toThrow(expect.objectContaining({ code: "DAMAGED" }));
  });

  it("that is spelled as a post-quantum key and is none is refused", async () => {
    const { recipient } = await newKey("post-quantum");
    const bytes = bech32.fromWords(bech32.decode(recipient.text as `${string}1${string}`, false).words);
    const changed = (change: (bytes: Uint8Array) => void) => {
      const copy = Uint8Array.from(bytes);
      change(copy);
      return bech32.encode("age1pq", bech32.toWords(copy), false);
    };
    const refusal = { name: "VaultError", code: "INVALID_RECIPIENT" };
    // A first or a second coefficient of 3329, the modulus of ML-KEM.
    for (const [at, coefficients] of [
      [0, [0x01, 0x0d, 0x00]],
      [1149, [0x00, 0x10, 0xd0]],
    ] as const) {
      expect(() => parseRecipient(changed((key) => key.set(coefficients, at)))).toThrow(expect.objectContaining(refusal));
    }
    expect(parseRecipient(changed((key) => key.set([0x00, 0x0d, 0xd0], 0))).kind).toBe("post-quantum");
    const lowOrder = parseRecipient(changed((key) => key.fill(0, 1184)));
    await expect(encrypt(new Uint8Array(), [lowOrder])).rejects.toMatchObject(refusal);
  });
});

describe("the recipients of a file", () => {
  it("are of one kind, or refused", async () => {
    const [classic, postQuantum] = [await newKey(), await newKey("post-quantum")];
    const mixed = [postQuantum.recipient, classic.recipient];
    expect(() => requireUniform(mixed)).toThrow(expect.objectContaining({ name: "VaultError", code: "MIXED_RECIPIENTS" }));
    await expect(encrypt(new Uint8Array(1), mixed)).rejects.toMatchObject({ code: "MIXED_RECIPIENTS" });
    requireUniform([classic.recipient, classic.recipient]);
    requireUniform([postQuantum.recipient]);
  });

  it("are at least one", async () => {
    expect(() => requireUniform([])).toThrow(expect.objectContaining({ code: "INVALID_RECIPIENT" }));
    await expect(encrypt(new Uint8Array(1), [])).rejects.toMatchObject({ code: "INVALID_RECIPIENT" });
  });
});

describe("unpadded base64", () => {
  it("reads back what it wrote, and given bytes have one text", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect([...decodeBase64(encodeBase64(bytes))!]).toEqual([...bytes]);
      }),
    );
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9+/=_\- \n]{0,12}$/), (text) => {
        const bytes = decodeBase64(text);
        if (bytes !== null) expect(encodeBase64(bytes)).toBe(text);
      }),
    );
  });
});
