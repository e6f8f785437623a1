import { randomBytes } from "node:crypto";
import { armor, Decrypter, Encrypter } from "age-encryption";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decrypt, decryptWithPassphrase, isPassphraseEncrypted } from "#vault/age/decrypt.js";
import { encrypt, encryptWithPassphrase } from "#vault/age/encrypt.js";
import { parseHeader } from "#vault/age/header.js";
import { newKey, newKeys } from "./keys.js";

const utf8 = (text: string) => new TextEncoder().encode(text);
const CHUNK = 64 * 1024;
const EASY = 2;
const armored = (file: Uint8Array) => utf8(armor.encode(file));

describe("an encrypted file", () => {
  it.each([0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 1, 1 << 20])("of %i bytes decrypts to them", async (size) => {
    const { identity, recipient } = await newKey();
    const plaintext = randomBytes(size);
    const file = await encrypt(plaintext, [recipient]);
    expect(Buffer.compare(await decrypt(file, [identity]), plaintext)).toBe(0);
  });

  it("decrypts to any content, and differs each time", async () => {
    const { identity, recipient } = await newKey();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (plaintext) => {
        const [one, two] = [await encrypt(plaintext, [recipient]), await encrypt(plaintext, [recipient])];
        expect([...(await decrypt(one, [identity]))]).toEqual([...plaintext]);
        expect(Buffer.compare(one, two)).not.toBe(0);
      }),
    );
  });

  it.each(["x25519", "post-quantum"] as const)(
    "has one %s stanza a recipient, in the order given, and each identity opens it",
    async (kind) => {
      const keys = await newKeys(4, kind);
      const file = await encrypt(
        utf8("value"),
        keys.map(({ recipient }) => recipient),
      );
      const { stanzas } = parseHeader(file);
      expect(stanzas).toHaveLength(4);
      for (const [index, { identity }] of keys.entries()) {
        expect(Buffer.from(await decrypt(file, [identity])).toString()).toBe("value");
        expect(await identity.unwrapFileKey([stanzas[index]!])).not.toBeNull();
        expect(await identity.unwrapFileKey(stanzas.filter((_, other) => other !== index))).toBeNull();
      }
    },
  );

  it.each(["x25519", "post-quantum"] as const)("for %s is the library's too: each reads what the other wrote", async (kind) => {
    const { identity, recipient } = await newKey(kind);
    const decrypter = new Decrypter();
    decrypter.addIdentity(identity.reveal());
    expect(await decrypter.decrypt(await encrypt(utf8("ours"), [recipient]), "text")).toBe("ours");
    const encrypter = new Encrypter();
    encrypter.addRecipient(recipient.text);
    const theirs = await encrypter.encrypt("theirs");
    expect(Buffer.from(await decrypt(theirs, [identity])).toString()).toBe("theirs");
    expect(Buffer.from(await decrypt(armored(theirs), [identity])).toString()).toBe("theirs");
  });

  it("opens with the identity that fits, whatever the order", async () => {
    const [mine, other] = [await newKey(), await newKey()];
    const postQuantum = await newKey("post-quantum");
    const file = await encrypt(utf8("value"), [mine.recipient]);
    const identities = [other.identity, postQuantum.identity, mine.identity];
    expect(Buffer.from(await decrypt(file, identities)).toString()).toBe("value");
  });

  it("is NOT_AUTHORIZED to everybody else", async () => {
    const [mine, other] = [await newKey(), await newKey()];
    const file = await encrypt(utf8("value"), [mine.recipient]);
    await expect(decrypt(file, [other.identity])).rejects.toMatchObject({ name: "VaultError", code: "NOT_AUTHORIZED" });
    await expect(decrypt(armored(file), [other.identity])).rejects.toMatchObject({ code: "NOT_AUTHORIZED" });
    await expect(decrypt(file, [])).rejects.toMatchObject({ code: "NOT_AUTHORIZED" });
    await expect(decryptWithPassphrase(file, "passphrase")).rejects.toMatchObject({ code: "NOT_AUTHORIZED" });
  });

  it("keeps its bytes and the plaintext's as they were", async () => {
    const { identity, recipient } = await newKey();
    const plaintext = utf8("value");
    const file = await encrypt(plaintext, [recipient]);
    const copy = Uint8Array.from(file);
    await decrypt(file, [identity]);
    expect(plaintext).toEqual(utf8("value"));
    expect(file).toEqual(copy);
  });
});

describe("a file that was tampered with", { timeout: 60_000 }, () => {
  const sound = (async () => {
    const { identity, recipient } = await newKey();
    const readers = [recipient, (await newKey()).recipient];
    return {
      identity,
      small: await encrypt(utf8("a value that nobody may change"), readers),
      large: await encrypt(randomBytes(2 * CHUNK + 9), readers),
    };
  })();
  const refusal = { name: "VaultError", code: expect.stringMatching(/^(DAMAGED|NOT_AUTHORIZED)$/) };

  it("never decrypts, whichever byte is another", async () => {
    const { identity, small } = await sound;
    for (let at = 0; at < small.length; at++) {
      for (const bits of [0x01, 0x20, 0x80, 0xff]) {
        const changed = Uint8Array.from(small);
        changed[at]! ^= bits;
        await expect(decrypt(changed, [identity]), `byte ${at} ^ ${bits}`).rejects.toMatchObject(refusal);
      }
    }
  });

  it("never decrypts, whichever byte of a long one is another", async () => {
    const { identity, large } = await sound;
    const changes = fc.tuple(fc.nat({ max: large.length - 1 }), fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(changes, async ([at, bits]) => {
        const changed = Uint8Array.from(large);
        changed[at]! ^= bits;
        await expect(decrypt(changed, [identity])).rejects.toMatchObject(refusal);
      }),
    );
  });

  it("is DAMAGED when cut anywhere", async () => {
    const { identity, small, large } = await sound;
    for (let length = 0; length < small.length; length++) {
      await expect(decrypt(small.subarray(0, length), [identity]), `${length} bytes`).rejects.toMatchObject({
        name: "VaultError",
        code: "DAMAGED",
      });
    }
    const { size } = parseHeader(large);
    const firstChunk = size + 16 + CHUNK + 16;
    for (const length of [
      firstChunk - 1,
      firstChunk,
      firstChunk + 1,
      firstChunk + 16,
      firstChunk + 17,
      firstChunk + CHUNK + 16,
      large.length - 1,
    ]) {
      await expect(decrypt(large.subarray(0, length), [identity])).rejects.toMatchObject({ code: "DAMAGED" });
    }
  });

  it("is DAMAGED with anything after its end, or with its chunks in another order", async () => {
    const { identity, small, large } = await sound;
    for (const extra of [1, 16, 17, CHUNK]) {
      await expect(decrypt(Buffer.concat([small, new Uint8Array(extra)]), [identity])).rejects.toMatchObject({ code: "DAMAGED" });
    }
    const start = parseHeader(large).size + 16;
    const chunk = CHUNK + 16;
    const part = (from: number, to?: number) => large.subarray(start + from, to === undefined ? undefined : start + to);
    const swapped = Buffer.concat([large.subarray(0, start), part(chunk, 2 * chunk), part(0, chunk), part(2 * chunk)]);
    await expect(decrypt(swapped, [identity])).rejects.toMatchObject({ code: "DAMAGED" });
  });

  it("is DAMAGED when a stanza was added or taken out behind the MAC's back", async () => {
    const { identity, small } = await sound;
    const text = Buffer.from(small).toString("latin1");
    const second = text.indexOf("-> ", text.indexOf("-> ") + 1);
    const without = Buffer.from(text.slice(0, second) + text.slice(text.indexOf("---")), "latin1");
    const withAnother = Buffer.from(text.replace("---", "-> example.com/x\n\n---"), "latin1");
    for (const file of [without, withAnother]) await expect(decrypt(file, [identity])).rejects.toMatchObject({ code: "DAMAGED" });
  });

  it("is DAMAGED when it is something else altogether", async () => {
    const { identity } = await sound;
    for (const file of ["", "\n", "value", "age-encryption.org/v1", "-----BEGIN AGE ENCRYPTED FILE-----", "\0".repeat(999)]) {
      await expect(decrypt(utf8(file), [identity])).rejects.toMatchObject({ name: "VaultError", code: "DAMAGED" });
      await expect(decryptWithPassphrase(utf8(file), "x")).rejects.toMatchObject({ name: "VaultError", code: "DAMAGED" });
    }
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 500 }), async (bytes) => {
        const file = Buffer.concat([utf8("age-encryption.org/v1\n"), bytes]);
        await expect(decrypt(file, [identity])).rejects.toMatchObject({ name: "VaultError" });
      }),
    );
  });
});

describe("a file with a passphrase", { timeout: 60_000 }, () => {
  it("opens with it, armored or not, and with no other", async () => {
    const file = await encryptWithPassphrase(utf8("value"), "pässword ", EASY);
    for (const form of [file, armored(file), utf8(`\n ${armor.encode(file).replaceAll("\n", "\r\n")}\n`)]) {
      expect(isPassphraseEncrypted(form)).toBe(true);
      expect(Buffer.from(await decryptWithPassphrase(form, "pässword ")).toString()).toBe("value");
      await expect(decryptWithPassphrase(form, "pässword")).rejects.toMatchObject({ name: "VaultError", code: "WRONG_PASSPHRASE" });
    }
  });

  it("is the library's too: each reads what the other wrote", async () => {
    const decrypter = new Decrypter();
    decrypter.addPassphrase("x");
    expect(await decrypter.decrypt(await encryptWithPassphrase(utf8("ours"), "x", EASY), "text")).toBe("ours");
    const encrypter = new Encrypter();
    encrypter.setPassphrase("x");
    encrypter.setScryptWorkFactor(EASY);
    expect(Buffer.from(await decryptWithPassphrase(await encrypter.encrypt("theirs"), "x")).toString()).toBe("theirs");
  });

  it("takes the work factor of age, 18, unless told otherwise", async () => {
    const file = await encryptWithPassphrase(utf8("value"), "x");
    expect(parseHeader(file).stanzas.map(({ args }) => [args[0], args[2]])).toEqual([["scrypt", "18"]]);
    expect(Buffer.from(await decryptWithPassphrase(file, "x")).toString()).toBe("value");
  });

  it("opens with no identity", async () => {
    const { identity } = await newKey();
    const file = await encryptWithPassphrase(utf8("value"), "x", EASY);
    await expect(decrypt(file, [identity])).rejects.toMatchObject({
      code: "NOT_AUTHORIZED",
      message: expect.stringContaining("passphrase"),
    });
  });

  it("asks for a passphrase when it is written", async () => {
    await expect(encryptWithPassphrase(utf8("value"), "")).rejects.toMatchObject({ code: "PASSPHRASE_REQUIRED" });
  });

  it("is told from files with keys and from other files", async () => {
    const { recipient } = await newKey();
    const file = await encrypt(utf8("value"), [recipient]);
    for (const other of [file, armored(file), utf8("scrypt"), new Uint8Array()]) expect(isPassphraseEncrypted(other)).toBe(false);
  });
});
