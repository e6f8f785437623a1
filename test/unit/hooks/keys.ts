import { generateKeyPairSync, randomBytes } from "node:crypto";
import { generateHybridIdentity, generateX25519Identity } from "age-encryption";
import { openSshPrivateKey } from "../../support/openssh-key.js";

/** Private keys, made in each run: none is written down in this repository. */

export const ageIdentity = (): Promise<string> => generateX25519Identity();
export const agePostQuantumIdentity = (): Promise<string> => generateHybridIdentity();

/** PKCS #8, PKCS #1, SEC 1 and their encrypted forms, as OpenSSL writes them. */
export function pemKeys(): Record<string, string> {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const ed25519 = generateKeyPairSync("ed25519").privateKey;
  const dsa = generateKeyPairSync("dsa", { modulusLength: 1024, divisorLength: 160 }).privateKey;
  const locked = { cipher: "aes-256-cbc", passphrase: "test" };
  return {
    "PKCS #8 RSA": rsa.export({ type: "pkcs8", format: "pem" }).toString(),
    "PKCS #8 EC": ec.export({ type: "pkcs8", format: "pem" }).toString(),
    "PKCS #8 Ed25519": ed25519.export({ type: "pkcs8", format: "pem" }).toString(),
    "PKCS #8 DSA": dsa.export({ type: "pkcs8", format: "pem" }).toString(),
    "PKCS #8 encrypted": rsa.export({ type: "pkcs8", format: "pem", ...locked }).toString(),
    "PKCS #1 RSA": rsa.export({ type: "pkcs1", format: "pem" }).toString(),
    "PKCS #1 RSA encrypted": rsa.export({ type: "pkcs1", format: "pem", ...locked }).toString(),
    "SEC 1 EC": ec.export({ type: "sec1", format: "pem" }).toString(),
    "DSA as OpenSSL 1 wrote it": armored("DSA PRIVATE KEY", dsa.export({ type: "pkcs8", format: "der" })),
  };
}

export function opensshKey(): string {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const [seed, point] = [
    privateKey.export({ type: "pkcs8", format: "der" }).subarray(-32),
    publicKey.export({ type: "spki", format: "der" }).subarray(-32),
  ];
  return openSshPrivateKey(
    seed,
    `ssh-ed25519 ${Buffer.concat([Buffer.from("\0\0\0\x0bssh-ed25519\0\0\0\x20"), point]).toString("base64")}`,
  );
}

/** The armor of an OpenPGP secret key around random bytes: the search reads the armor alone. */
export function pgpKey(): string {
  const lines = armored("PGP PRIVATE KEY BLOCK", randomBytes(700)).split("\n");
  return [lines[0], "Version: GnuPG v2", "", ...lines.slice(1, -2), `=${randomBytes(3).toString("base64")}`, ...lines.slice(-2)].join("\n");
}

export function armored(label: string, bytes: Uint8Array): string {
  const body = Buffer.from(bytes)
    .toString("base64")
    .replace(/.{1,64}/g, "$&\n");
  return `-----BEGIN ${label}-----\n${body}-----END ${label}-----\n`;
}
