import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isArmored } from "#vault/age/armor.js";
import { encodeHeader, headerMac, isBinaryAge, parseHeader, type Stanza } from "#vault/age/header.js";

const bytes = (text: string) => Buffer.from(text, "latin1");
const MAC = "A".repeat(43);
const header = (stanzas: string, end = `--- ${MAC}\n`) => bytes(`age-encryption.org/v1\n${stanzas}${end}`);

const stanza: fc.Arbitrary<Stanza> = fc.record({
  args: fc.array(fc.stringMatching(/^[!-~]{1,80}$/), { minLength: 1, maxLength: 4 }),
  body: fc.uint8Array({ maxLength: 200 }),
});

describe("a header", () => {
  it("comes out of the parser as it went into the encoder", () => {
    const stanzas = fc.array(stanza, { minLength: 1, maxLength: 5 });
    const fileKeys = fc.uint8Array({ minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(stanzas, fileKeys, fc.uint8Array(), (written, fileKey, payload) => {
        const encoded = encodeHeader(written, fileKey);
        const parsed = parseHeader(Buffer.concat([encoded, payload]));
        expect(parsed.stanzas.map(({ args, body }) => ({ args, body: [...body] }))).toEqual(
          written.map(({ args, body }) => ({ args, body: [...body] })),
        );
        expect(parsed.size).toBe(encoded.length);
        expect(Buffer.from(parsed.bytesWithoutMac).toString("latin1").endsWith("\n---")).toBe(true);
        expect([...parsed.mac]).toEqual([...headerMac(fileKey, parsed.bytesWithoutMac)]);
      }),
    );
  });

  it.each([
    ["no recipient", header("")],
    ["an empty argument", header("-> X25519  b\n\n")],
    ["a space at the end of the arguments", header("-> X25519 \n\n")],
    ["no argument at all", header("-> \n\n")],
    ["a character beyond ASCII", header("-> X\u00e9\n\n")],
    ["a control character", header("-> X\u0001\n\n")],
    ["a carriage return", header("-> X\r\n\r\n")],
    ["padding", header("-> X\nYQ==\n")],
    ["stray bits", header("-> X\nYR\n")],
    ["the URL alphabet", header("-> X\n__8\n")],
    ["a line of 65 characters", header(`-> X\n${"A".repeat(65)}\n`)],
    ["a line of 68 characters", header(`-> X\n${"A".repeat(68)}\n`)],
    ["a body that ends in a full line", header(`-> X\n${"A".repeat(64)}\n`)],
    ["two short lines", header("-> X\nYWI\nYWI\n")],
    ["a short MAC", header("-> X\n\n", `--- ${"A".repeat(42)}\n`)],
    ["no MAC", header("-> X\n\n", "---\n")],
    ["no end", header("-> X\n\n", "")],
    ["no line feed at the end", header("-> X\n\n", `--- ${MAC}`)],
    ["another version", bytes(`age-encryption.org/v2\n-> X\n\n--- ${MAC}\n`)],
  ])("with %s is refused", (_, file) => {
    expect(() => parseHeader(file)).toThrow(expect.objectContaining({ name: "VaultError", code: "DAMAGED" }));
  });

  it("of ten thousand recipients is read, and one of more than a mebibyte is refused", () => {
    const recipients = (count: number) => header(`-> X25519 ${"A".repeat(43)}\n${"A".repeat(43)}\n`.repeat(count));
    expect(parseHeader(recipients(10_000)).stanzas).toHaveLength(10_000);
    expect(() => parseHeader(recipients(11_000))).toThrow(expect.objectContaining({ code: "DAMAGED" }));
    expect(() => parseHeader(Buffer.concat([recipients(1).subarray(0, -50), bytes("A".repeat(2 ** 21))]))).toThrow("larger than 1 MiB");
  });

  it("may hold recipients of any type, with bodies of any length", () => {
    const { stanzas } = parseHeader(header(`-> example.com/x y !~\n${"A".repeat(64)}\n\n-> empty\n\n`));
    expect(stanzas.map(({ args, body }) => [args, body.length])).toEqual([
      [["example.com/x", "y", "!~"], 48],
      [["empty"], 0],
    ]);
  });
});

describe("the start of a file", () => {
  it("tells a binary age file", () => {
    expect(isBinaryAge(header("-> X\n\n"))).toBe(true);
    expect(isBinaryAge(bytes("age-encryption.org/v10\n"))).toBe(false);
    expect(isBinaryAge(bytes("age-encryption.org/v1"))).toBe(false);
    expect(isBinaryAge(new Uint8Array())).toBe(false);
  });

  it("tells an armored one, also after white space", () => {
    expect(isArmored(bytes("-----BEGIN AGE ENCRYPTED FILE-----\n"))).toBe(true);
    expect(isArmored(bytes("\r\n \t-----BEGIN AGE ENCRYPTED FILE-----\n"))).toBe(true);
    expect(isArmored(bytes("x-----BEGIN AGE ENCRYPTED FILE-----\n"))).toBe(false);
    expect(isArmored(bytes("-----BEGIN PGP MESSAGE-----\n"))).toBe(false);
    expect(isArmored(bytes(" \n"))).toBe(false);
    expect(isArmored(new Uint8Array())).toBe(false);
  });
});
