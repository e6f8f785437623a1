import { armor, Encrypter } from "age-encryption";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decrypt } from "#vault/age/decrypt.js";
import { encrypt } from "#vault/age/encrypt.js";
import { parseHeader } from "#vault/age/header.js";
import { addRecipients } from "#vault/age/rewrap.js";
import { newKey, newKeys, type Key } from "./keys.js";

const utf8 = (text: string) => new TextEncoder().encode(text);
const payloadOf = (file: Uint8Array) => Buffer.from(file.subarray(parseHeader(file).size));
/** A header's text up to its MAC line. */
const stanzasOf = (file: Uint8Array) => Buffer.from(parseHeader(file).bytesWithoutMac).toString("latin1").slice(0, -3);

describe.each(["x25519", "post-quantum"] as const)("adding %s recipients", (kind) => {
  it("keeps payload and stanzas byte for byte, and old and new readers open the result", async () => {
    const keys = await newKeys(4, kind);
    const [owner, agent, one, two] = keys as [Key, Key, Key, Key];
    const before = await encrypt(utf8("value"), [owner.recipient, agent.recipient]);
    const after = await addRecipients(before, owner.identity, [one.recipient, two.recipient]);
    expect(parseHeader(after).stanzas).toHaveLength(4);
    expect(stanzasOf(after).startsWith(stanzasOf(before))).toBe(true);
    expect(payloadOf(after)).toEqual(payloadOf(before));
    for (const { identity } of keys) {
      expect(Buffer.from(await decrypt(after, [identity])).toString()).toBe("value");
    }
    const stranger = await newKey(kind);
    await expect(decrypt(after, [stranger.identity])).rejects.toMatchObject({ code: "NOT_AUTHORIZED" });
  });

  it("refuses to mix kinds, either way", async () => {
    const { identity, recipient } = await newKey(kind);
    const other = await newKey(kind === "x25519" ? "post-quantum" : "x25519");
    const file = await encrypt(utf8("value"), [recipient]);
    const refusal = { name: "VaultError", code: "MIXED_RECIPIENTS" };
    await expect(addRecipients(file, identity, [other.recipient])).rejects.toMatchObject(refusal);
    await expect(addRecipients(file, identity, [recipient, other.recipient])).rejects.toMatchObject(refusal);
  });
});

describe("adding recipients", () => {
  it("keeps stanzas of types that nobody here knows", async () => {
    const { identity, recipient } = await newKey();
    const stanza = fc.record({
      args: fc.array(fc.stringMatching(/^[!-~]{1,70}$/), { minLength: 1, maxLength: 3 }).map(([type, ...rest]) => [`x/${type}`, ...rest]),
      body: fc.uint8Array({ maxLength: 150 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(stanza, { maxLength: 4 }), async (stanzas) => {
        const encrypter = new Encrypter();
        encrypter.addRecipient({ wrapFileKey: (fileKey) => [...stanzas, ...(recipient.wrapFileKey(fileKey) as typeof stanzas)] });
        const before = await encrypter.encrypt("value");
        const added = await newKey();
        const after = await addRecipients(before, identity, [added.recipient]);
        expect(stanzasOf(after).startsWith(stanzasOf(before))).toBe(true);
        expect(Buffer.from(await decrypt(after, [added.identity])).toString()).toBe("value");
      }),
      { numRuns: 40 },
    );
  });

  it("makes a binary file of an armored one", async () => {
    const { identity, recipient } = await newKey();
    const added = await newKey();
    const file = utf8(armor.encode(await encrypt(utf8("value"), [recipient])));
    const after = await addRecipients(file, identity, [added.recipient]);
    expect(Buffer.from(await decrypt(after, [added.identity])).toString()).toBe("value");
  });

  it("is refused to who cannot open the file", async () => {
    const [owner, stranger] = [await newKey(), await newKey()];
    const file = await encrypt(utf8("value"), [owner.recipient]);
    await expect(addRecipients(file, stranger.identity, [stranger.recipient])).rejects.toMatchObject({ code: "NOT_AUTHORIZED" });
  });

  it("is refused where a stanza was added unseen, where the content was changed, and without a recipient", async () => {
    const { identity, recipient } = await newKey();
    const file = Buffer.from(await encrypt(utf8("value"), [recipient]));
    const injected = Buffer.from(file.toString("latin1").replace("---", "-> example.com/x\n\n---"), "latin1");
    const changed = Buffer.from(file);
    changed[changed.length - 1]! ^= 1;
    await expect(addRecipients(injected, identity, [recipient])).rejects.toMatchObject({ code: "DAMAGED" });
    await expect(addRecipients(changed, identity, [recipient])).rejects.toMatchObject({ code: "DAMAGED" });
    await expect(addRecipients(file, identity, [])).rejects.toMatchObject({ code: "INVALID_RECIPIENT" });
  });
});
