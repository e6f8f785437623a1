import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decrypt, decryptWithPassphrase, isPassphraseEncrypted } from "#vault/age/decrypt.js";
import { encrypt, encryptWithPassphrase } from "#vault/age/encrypt.js";
import { generateIdentity, parseIdentity, type Identity } from "#vault/age/identity.js";
import { parseRecipient, type Recipient } from "#vault/age/recipient.js";
import { addRecipients } from "#vault/age/rewrap.js";
import { run, runOnTerminal } from "./age-program.js";
import { lacks } from "../support/programs.js";

const SIZES = [0, 1, 65_535, 65_536, 65_537, 131_072, 1 << 20];
const PASSPHRASE = "correct horse battery staple";

interface Key {
  readonly identity: Identity;
  readonly recipient: Recipient;
  readonly file: string;
}

describe.skipIf(lacks("age", "age-keygen", "script"))("the age program", { timeout: 60_000 }, () => {
  let folder: string;
  /** Made by us, made by age-keygen. */
  let ours: Key, theirs: Key;
  const path = (name: string) => join(folder, name);
  const age = (key: Key, file: Uint8Array) => run("age", ["-d", "-i", key.file], file);

  async function ourKey(name: string): Promise<Key> {
    const identity = await generateIdentity("x25519");
    writeFileSync(path(name), `# a comment\n${identity.reveal()}\n`, { mode: 0o600 });
    return { identity, recipient: parseRecipient(await identity.recipient()), file: path(name) };
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "agent-vault-age-"));
    ours = await ourKey("ours.key");
    const file = path("theirs.key");
    run("age-keygen", ["-o", file]);
    const identity = parseIdentity(/^AGE-SECRET-KEY-.*$/m.exec(readFileSync(file, "utf8"))![0]);
    theirs = { identity, recipient: parseRecipient(run("age-keygen", ["-y", file]).toString()), file };
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("derives the same recipient from an identity as the age program, whichever of them made it", async () => {
    expect(await theirs.identity.recipient()).toBe(theirs.recipient.text);
    expect(run("age-keygen", ["-y", ours.file]).toString()).toBe(`${ours.recipient.text}\n`);
  });

  it.each(SIZES)("decrypts %i bytes that we encrypted, and we what it encrypted", async (size) => {
    const plaintext = randomBytes(size);
    for (const key of [ours, theirs]) {
      expect(Buffer.compare(age(key, await encrypt(plaintext, [key.recipient])), plaintext)).toBe(0);
      const file = run("age", ["-r", key.recipient.text], plaintext);
      expect(Buffer.compare(await decrypt(file, [key.identity]), plaintext)).toBe(0);
      const armored = run("age", ["-a", "-r", key.recipient.text], plaintext);
      expect(Buffer.compare(await decrypt(armored, [key.identity]), plaintext)).toBe(0);
    }
  });

  it("and we read each other's files with several recipients, each reader alone", async () => {
    const keys = [ours, theirs, await ourKey("third.key")];
    const plaintext = randomBytes(100);
    const fromUs = await encrypt(
      plaintext,
      keys.map(({ recipient }) => recipient),
    );
    const fromAge = run(
      "age",
      keys.flatMap(({ recipient }) => ["-r", recipient.text]),
      plaintext,
    );
    for (const key of keys) {
      expect(age(key, fromUs)).toEqual(plaintext);
      expect(Buffer.from(await decrypt(fromAge, [key.identity]))).toEqual(plaintext);
    }
    const stranger = await ourKey("stranger.key");
    expect(() => age(stranger, fromUs)).toThrow("no identity matched");
    await expect(decrypt(fromAge, [stranger.identity])).rejects.toMatchObject({ code: "NOT_AUTHORIZED" });
  });

  it.each(SIZES)("opens a file of %i bytes after recipients were added, with old keys and new", async (size) => {
    const plaintext = randomBytes(size);
    const [one, two] = [await ourKey("one.key"), await ourKey("two.key")];
    for (const file of [await encrypt(plaintext, [ours.recipient]), run("age", ["-r", ours.recipient.text], plaintext)]) {
      const once = await addRecipients(file, ours.identity, [theirs.recipient, one.recipient]);
      const twice = await addRecipients(once, one.identity, [two.recipient]);
      for (const key of [ours, theirs, one, two]) expect(Buffer.compare(age(key, twice), plaintext)).toBe(0);
    }
  });

  it("refuses what we refuse: a changed header, a changed payload, a cut file", async () => {
    const file = Buffer.from(await encrypt(randomBytes(70_000), [ours.recipient]));
    const changed = (at: number) => {
      const copy = Buffer.from(file);
      copy[at]! ^= 1;
      return copy;
    };
    for (const bad of [changed(file.indexOf("---") + 5), changed(file.length - 1), file.subarray(0, -1), file.subarray(0, 300)]) {
      expect(() => age(ours, bad)).toThrow();
      await expect(decrypt(bad, [ours.identity])).rejects.toMatchObject({ code: "DAMAGED" });
    }
  });

  it("takes an identity file that we protected with a passphrase, and refuses another passphrase", async () => {
    const secret = randomBytes(50);
    writeFileSync(path("secret.age"), await encrypt(secret, [ours.recipient]));
    writeFileSync(path("protected.key"), await encryptWithPassphrase(readFileSync(ours.file), PASSPHRASE));
    const commandLine = `age -d -i ${path("protected.key")} -o ${path("secret")} ${path("secret.age")}`;
    expect(() => runOnTerminal(commandLine, ["wrong"])).toThrow("incorrect passphrase");
    runOnTerminal(commandLine, [PASSPHRASE]);
    expect(readFileSync(path("secret"))).toEqual(secret);
  });

  it.each([
    ["binary", ""],
    ["armored", "-a"],
  ])("protects an identity file with a passphrase, %s, that we open", async (_, flag) => {
    const file = path(`protected-by-age${flag}.key`);
    runOnTerminal(`age -p ${flag} -o ${file} ${theirs.file}`, [PASSPHRASE, PASSPHRASE]);
    const bytes = readFileSync(file);
    expect(isPassphraseEncrypted(bytes)).toBe(true);
    expect(Buffer.from(await decryptWithPassphrase(bytes, PASSPHRASE))).toEqual(readFileSync(theirs.file));
    await expect(decryptWithPassphrase(bytes, "wrong")).rejects.toMatchObject({ code: "WRONG_PASSPHRASE" });
  });
});
