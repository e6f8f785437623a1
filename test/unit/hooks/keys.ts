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

/** Keys that are lines of text: what their programs write, around random bytes. */
export function namedKeys(): Record<string, { text: string; kind: string; body: string }> {
  const base64 = (begin: string, size: number) => Buffer.concat([Buffer.from(begin, "latin1"), randomBytes(size)]).toString("base64");
  const lines = (text: string) => text.replace(/.{1,64}/g, "$&\n");
  const [putty, ssh2, minisign, plainMinisign, signify, wireguard] = [
    base64("", 420),
    base64("\x3f\x6f\xf9\xeb", 600),
    base64("EdScB2", 152),
    base64("Ed\0\0B2", 152),
    base64("EdBK\0\0\0\x2a", 96),
    base64("", 32),
  ];
  const static_ = randomBytes(256).toString("hex");
  const token = `avt1_${randomBytes(150).toString("base64url")}`;
  return {
    PuTTY: {
      kind: "putty-private-key",
      body: putty,
      text: `PuTTY-User-Key-File-2: ssh-rsa\r\nEncryption: none\r\nComment: me\r\nPublic-Lines: 6\r\n${lines(base64("", 270))}Private-Lines: 9\r\n${lines(putty)}Private-MAC: ${"0123456789abcdef".repeat(2)}\r\n`,
    },
    SSH2: {
      kind: "ssh2-private-key",
      body: ssh2,
      text: `---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nComment: "me"\n${lines(ssh2)}---- END SSH2 ENCRYPTED PRIVATE KEY ----\n`,
    },
    minisign: { kind: "minisign-secret-key", body: minisign, text: `untrusted comment: minisign encrypted secret key\n${minisign}\n` },
    "minisign without a password": { kind: "minisign-secret-key", body: plainMinisign, text: `untrusted comment: x\n${plainMinisign}\n` },
    signify: { kind: "signify-secret-key", body: signify, text: `untrusted comment: signify secret key\n${signify}\n` },
    WireGuard: { kind: "wireguard-private-key", body: wireguard, text: `[Interface]\nAddress = 10.0.0.1/24\nPrivateKey = ${wireguard}\n` },
    OpenVPN: {
      kind: "openvpn-static-key",
      body: static_,
      text: `-----BEGIN OpenVPN Static key V1-----\n${static_.replace(/.{32}/g, "$&\n")}-----END OpenVPN Static key V1-----\n`,
    },
    "agent-vault's token": { kind: "agent-vault-token", body: token.slice(0, 160), text: `AGENT_VAULT_TOKEN=${token}\n` },
  };
}

export function armored(label: string, bytes: Uint8Array): string {
  const body = Buffer.from(bytes)
    .toString("base64")
    .replace(/.{1,64}/g, "$&\n");
  return `-----BEGIN ${label}-----\n${body}-----END ${label}-----\n`;
}
