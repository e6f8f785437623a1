import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findKeyMaterial } from "@agent-vault/hooks";
import { ageIdentity, agePostQuantumIdentity, armored, namedKeys, opensshKey, pemKeys, pgpKey } from "./keys.js";
import { processorTimeMs } from "../../support/processor-time.js";

const bytes = (text: string): Buffer => Buffer.from(text, "utf8");
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const kinds = (text: string): string[] => findKeyMaterial(bytes(text)).map(({ kind }) => kind);
const body = (pem: string): string => pem.replace(/-----.*-----|^.*: .*$|^=.*$|\s/gm, "");
const swapped = (content: Buffer): Buffer => Buffer.from(content).swap16();

describe("what is a key", () => {
  test("an age identity, in a file of its own", async () => {
    const identity = await ageIdentity();
    expect(findKeyMaterial(bytes(`# created: today\n# public key: age1…\n${identity}\n`))).toEqual([
      { kind: "age-identity", line: 3, fingerprint: sha256(identity) },
    ]);
  });

  test("a post-quantum age identity", async () => {
    const identity = await agePostQuantumIdentity();
    expect(findKeyMaterial(bytes(`KEY=${identity}`))).toEqual([
      { kind: "age-post-quantum-identity", line: 1, fingerprint: sha256(identity) },
    ]);
  });

  test("an age identity in small letters, which the Rust age reads as well", async () => {
    const identity = await ageIdentity();
    expect(findKeyMaterial(bytes(identity.toLowerCase()))).toEqual([{ kind: "age-identity", line: 1, fingerprint: sha256(identity) }]);
  });

  test("an age identity with a mistyped character: the rest of it is still given away", async () => {
    const identity = await ageIdentity();
    const other = identity.endsWith("Q") ? "P" : "Q";
    expect(kinds(identity.slice(0, -1) + other)).toEqual(["age-identity"]);
  });

  test.each(Object.entries(pemKeys()))("%s", (_, pem) => {
    expect(findKeyMaterial(bytes(`\n${pem}`))).toEqual([{ kind: "private-key-pem", line: 2, fingerprint: sha256(body(pem)) }]);
  });

  test("an OpenSSH key", () => {
    const key = opensshKey();
    expect(findKeyMaterial(bytes(key))).toEqual([{ kind: "openssh-private-key", line: 1, fingerprint: sha256(body(key)) }]);
  });

  test("a PGP private key block", () => {
    const key = pgpKey();
    expect(findKeyMaterial(bytes(key))).toEqual([{ kind: "pgp-private-key", line: 1, fingerprint: sha256(body(key)) }]);
  });

  test.each(Object.entries(namedKeys()))("a key of %s, also in JSON and UTF-16", (_, { text, kind, body }) => {
    for (const content of [bytes(text), bytes(JSON.stringify({ text })), Buffer.from(text, "utf16le")]) {
      expect(findKeyMaterial(content)).toEqual([expect.objectContaining({ kind, fingerprint: sha256(body) })]);
    }
    expect(kinds(text.replace(/[A-Za-z0-9+/=_]{20,}/g, "(none)"))).toEqual([]);
  });

  test.each(["rsa", "ec", "ed25519"])("a JSON Web Key of type %s, and not its public half", (type) => {
    const { privateKey, publicKey } =
      type === "rsa"
        ? generateKeyPairSync("rsa", { modulusLength: 2048 })
        : type === "ec"
          ? generateKeyPairSync("ec", { namedCurve: "P-256" })
          : generateKeyPairSync("ed25519");
    const key = createPrivateKey(privateKey.export({ type: "pkcs8", format: "pem" })).export({ format: "jwk" });
    const open = createPublicKey(publicKey.export({ type: "spki", format: "pem" })).export({ format: "jwk" });
    const { d, ...rest } = key;
    for (const set of [{ keys: [open, key] }, { d, ...rest }, JSON.stringify({ key }, null, 2)]) {
      expect(findKeyMaterial(bytes(JSON.stringify(set)))).toEqual([
        expect.objectContaining({ kind: "json-web-key", fingerprint: sha256(d!) }),
      ]);
    }
    expect(kinds(JSON.stringify({ keys: [open, { ...open, kid: d }] }))).toEqual([]);
  });

  test("a symmetric JSON Web Key", () => {
    const k = randomBytes(32).toString("base64url");
    expect(kinds(JSON.stringify({ k, alg: "HS256", kty: "oct" }))).toEqual(["json-web-key"]);
  });

  test.each(Object.entries(pemKeys()))("%s in DER has the fingerprint of its PEM", (name, pem) => {
    const text = body(pem);
    const der = Buffer.from(text, "base64");
    // Encrypted as OpenSSL 1 does it, no DER is left.
    if (name === "PKCS #1 RSA encrypted" || name === "SEC 1 EC encrypted") return expect(findKeyMaterial(der)).toEqual([]);
    expect(findKeyMaterial(der)).toEqual([{ kind: "private-key-der", line: 1, fingerprint: sha256(text) }]);
    expect(findKeyMaterial(Buffer.concat([der, bytes("\n")]))[0]?.fingerprint).toBe(sha256(text));
  });

  test.each([
    ["PKCS #12", "pkcs12", "308204c2020103308204880609 2a864886f70d010701a08204790482047530820471"],
    ["PKCS #12 of indefinite length", "pkcs12", "30800201033080 06092a864886f70d010701a080248004820475"],
    ["a Java key store", "java-keystore", "feedfeed00000002000000010000000100046d796b65"],
    ["a key store of JCE", "java-keystore", "cececece00000002000000010000000100046d796b65"],
    ["a binary OpenPGP key, old format", "pgp-private-key", "95035804650000000108 00d4e3f9"],
    ["a binary OpenPGP key, new format", "pgp-private-key", "c55804650000001609 2b06010401da470f01"],
    ["a key of a hidden service", "tor-secret-key", Buffer.from("== ed25519v1-secret: type0 ==\0\0\0").toString("hex")],
  ])("%s", (_, kind, hex) => {
    const file = Buffer.concat([Buffer.from(hex.replaceAll(" ", ""), "hex"), randomBytes(1000)]);
    expect(findKeyMaterial(file)).toEqual([expect.objectContaining({ kind, line: 1 })]);
    expect(findKeyMaterial(Buffer.concat([bytes("x"), file]))).toEqual([]);
  });

  test.each([48, 49, 50, 51, 55, 60, 95, 96])("a body of %i bytes, however short its last line is", (size) => {
    const pem = armored("EC PRIVATE KEY", randomBytes(size));
    expect(findKeyMaterial(bytes(`${pem}\nmore text\n`))).toEqual([{ kind: "private-key-pem", line: 1, fingerprint: sha256(body(pem)) }]);
  });

  test("a key whose end is missing", () => {
    const pem = pemKeys()["PKCS #8 RSA"]!;
    expect(kinds(pem.split("\n").slice(0, 6).join("\n"))).toEqual(["private-key-pem"]);
  });

  test("several keys of one file, each on its line", async () => {
    const identity = await ageIdentity();
    const pem = pemKeys()["PKCS #8 EC"]!;
    const found = findKeyMaterial(bytes(`${identity}\n\n${pem}\n${identity}\n`));
    expect(found.map(({ kind, line }) => [kind, line])).toEqual([
      ["age-identity", 1],
      ["private-key-pem", 3],
      ["age-identity", 3 + pem.split("\n").length],
    ]);
  });
});

describe("a key pasted into something else has the fingerprint of the key", () => {
  const pem = pemKeys()["PKCS #1 RSA encrypted"]!;
  const plain = pemKeys()["PKCS #8 EC"]!;
  const each = (key: string, change: (line: string, index: number) => string, join = "\n"): string =>
    key.trimEnd().split("\n").map(change).join(join);

  test.each([
    ["with Windows line breaks", (key: string) => key.replaceAll("\n", "\r\n")],
    ["in a JSON string", (key: string) => JSON.stringify({ key })],
    ["in JSON within JSON", (key: string) => JSON.stringify({ key: JSON.stringify({ key }) })],
    ["in a YAML block", (key: string) => `key: |\n${each(key, (line) => `    ${line}`)}\n`],
    ["in an .env line", (key: string) => `KEY="${each(key, (line) => line, "\\n")}"`],
    ["in a comment", (key: string) => each(key, (line) => `# ${line}`)],
    ["in a quotation", (key: string) => each(key, (line) => `> ${line}`)],
    ["joined by a program", (key: string) => each(key, (line) => `  "${line}\\n"`, " +\n")],
    ["in an array of a program", (key: string) => each(key, (line) => `"${line}"`, ",\n  ")],
    ["with spaces for line breaks", (key: string) => each(key, (line) => line, " ")],
    ["in strings of bytes of Python", (key: string) => `KEY = (\n${each(key, (line) => `    b"${line}\\n"`)}\n)\n`],
    ["in raw strings of Rust and C++", (key: string) => each(key, (line) => `  u8R"${line}\\n"`)],
    ["in a comment of SQL", (key: string) => each(key, (line) => `-- ${line}`)],
    [
      "in comments of Lisp, TeX, batch and C",
      (key: string) => each(key, (line, at) => `${[";; ", "% ", "REM ", "// ", " * "][at % 5]!}${line}`),
    ],
    ["joined by PHP and Visual Basic", (key: string) => each(key, (line, at) => `"${line}\\n"${at % 2 ? " ." : " & _"}`)],
    ["in an array of Ruby", (key: string) => `[${each(key, (line) => `'${line}'`, ",\n  ")}].join("\\n")`],
    ["in a URL", (key: string) => encodeURIComponent(key)],
    ["in JSON of PHP", (key: string) => JSON.stringify(key).replaceAll("/", "\\/")],
    ["in HTML", (key: string) => `<pre>${each(key, (line) => line, "<br>\n")}</pre>`],
    ["in XML", (key: string) => `<key>${each(key, (line) => line, "&#10;")}</key>`],
    ["in base64, as in a Secret of Kubernetes", (key: string) => `  tls.key: ${Buffer.from(key).toString("base64")}\n  other: x\n`],
    ["in base64 in lines", (key: string) => Buffer.from(key).toString("base64").replace(/.{76}/g, "$&\n  ")],
  ])("%s", (_, wrap) => {
    for (const key of [plain, pem]) {
      expect(findKeyMaterial(bytes(wrap(key))).map(({ kind, fingerprint }) => ({ kind, fingerprint }))).toEqual([
        { kind: "private-key-pem", fingerprint: sha256(body(key)) },
      ]);
    }
  });

  test.each([
    ["UTF-16, little-endian", (text: string) => Buffer.from(`\ufeff${text}`, "utf16le")],
    ["UTF-16, big-endian", (text: string) => swapped(Buffer.from(`\ufeff${text}`, "utf16le"))],
  ])("in %s", async (_, encode) => {
    const identity = await ageIdentity();
    expect(findKeyMaterial(encode(`# Schlüssel\r\n${identity}\r\n${plain}`))).toEqual([
      { kind: "age-identity", line: 2, fingerprint: sha256(identity) },
      { kind: "private-key-pem", line: 3, fingerprint: sha256(body(plain)) },
    ]);
  });
});

describe("what is no key", () => {
  const label = "PRIVATE KEY";
  test.each([
    ["an identity that documentation cuts short", "Your key looks like AGE-SECRET-KEY-1QYQSZ... or `AGE-SECRET-KEY-1...`."],
    ["a placeholder of the right length", `AGE-SECRET-KEY-1${"X".repeat(58)}`],
    ["a recipient", "age1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc0sw2y0n4"],
    [
      "the header in a sentence",
      `A file that begins with \`-----BEGIN ${label}-----\` holds a key, and commit da39a3ee5e6b4b0d3255bfef95601890afd80709 has one.`,
    ],
    ["the header in a pattern", `const PEM = /-----BEGIN ([A-Z ]+)${label}-----/;`],
    ["a template", `"-----BEGIN ${label}-----\\n" + key.toString("base64") + "\\n-----END ${label}-----"`],
    ["a shortened example", `-----BEGIN RSA ${label}-----\nMIIEpAIBAAKCAQEA...\n-----END RSA ${label}-----`],
    ["an instruction", `-----BEGIN ${label}-----\n<paste your private key here>\n-----END ${label}-----`],
    ["a body of one letter", `-----BEGIN ${label}-----\n${"x".repeat(64)}\n-----END ${label}-----`],
    ["a certificate", armored("CERTIFICATE", randomBytes(600))],
    ["an age file", armored("AGE ENCRYPTED FILE", randomBytes(300))],
    ["a PGP public key", armored("PGP PUBLIC KEY BLOCK", randomBytes(600))],
    ["a PGP message", armored("PGP MESSAGE", randomBytes(600))],
    ["a public key", generateKeyPairSync("ed25519").publicKey.export({ type: "spki", format: "pem" }).toString()],
  ])("%s", (_, text) => {
    expect(kinds(text)).toEqual([]);
  });
});

describe("content of any kind and size", () => {
  test("a key is found at any place in random bytes, in one byte a character and in two", async () => {
    const keys = [await ageIdentity(), await agePostQuantumIdentity(), pemKeys()["PKCS #8 EC"]!, pgpKey()];
    const encodings = [
      (key: string) => bytes(key),
      (key: string) => Buffer.from(key, "utf16le"),
      (key: string) => swapped(Buffer.from(key, "utf16le")),
    ];
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 3000 }),
        fc.uint8Array({ maxLength: 3000 }),
        fc.constantFrom(...keys),
        fc.constantFrom(...encodings),
        (before, after, key, encode) => {
          const found = findKeyMaterial(Buffer.concat([before, encode(key), after]));
          const fingerprint = sha256(key.startsWith("AGE") ? key : body(key));
          const line = before.filter((byte) => byte === 10).length + 1;
          expect(found).toContainEqual(expect.objectContaining({ fingerprint, line }));
        },
      ),
    );
  });

  test("no part of a key is in what is said of it", async () => {
    for (const key of [await ageIdentity(), pemKeys()["PKCS #8 RSA"]!, opensshKey(), pgpKey()]) {
      const said = JSON.stringify(findKeyMaterial(bytes(key)));
      const text = key.startsWith("AGE") ? key.slice(20) : body(key);
      fc.assert(
        fc.property(fc.nat(text.length - 12), (at) => {
          expect(said).not.toContain(text.slice(at, at + 12));
        }),
      );
    }
  });

  const label = "PRIVATE KEY";
  const NEEDLES = [
    "avt1_",
    "PuTTY-User-Key-File-2: x\nPrivate-Lines: 9\n",
    '"kty":"RSA"',
    '{"kty":"oct"',
    "LS0tLS1CRUdJTi",
    Buffer.from(`-----BEGIN ${label}-----\nabc`).toString("base64"),
    "---- BEGIN SSH2 PRIVATE KEY ----",
    "RWRTY0Iy",
    "PrivateKey = ",
  ];
  test("content made to be slow is searched in linear time", async () => {
    const header = "-----BEGIN PRIVATE KEY-----";
    const hostile = [header, `${header} `, `${header}\n${" \\\\ ".repeat(40)}`, `${header}Ab0:-: `, ...NEEDLES].map((unit) =>
      unit.repeat(Math.ceil((1 << 20) / unit.length)),
    );
    for (const content of hostile) {
      for (const encoded of [bytes(content), Buffer.from(content, "utf16le")]) {
        expect(await processorTimeMs(() => findKeyMaterial(encoded))).toBeLessThan(4000);
      }
    }
  });
});
