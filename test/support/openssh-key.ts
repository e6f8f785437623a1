/**
 * An Ed25519 private key as OpenSSH keeps it (PROTOCOL.key), without a passphrase.
 * @param seed 32 bytes
 * @param publicKey `ssh-ed25519 AAAA...`
 */
export function openSshPrivateKey(seed: Uint8Array, publicKey: string): string {
  const number = (value: number) => Buffer.from(Uint32Array.of(value).buffer).swap32();
  const string = (value: string | Uint8Array) => {
    const bytes = Buffer.from(value as Uint8Array);
    return Buffer.concat([number(bytes.length), bytes]);
  };
  const blob = Buffer.from(publicKey.split(" ")[1]!, "base64");
  const point = blob.subarray(-32);
  const keys = [number(7), number(7), string("ssh-ed25519"), string(point), string(Buffer.concat([seed, point])), string("derived")];
  const length = Buffer.concat(keys).length;
  const padding = Buffer.from(Array.from({ length: (8 - (length % 8)) % 8 }, (_, index) => index + 1));
  const file = [
    Buffer.from("openssh-key-v1\0"),
    string("none"),
    string("none"),
    string(""),
    number(1),
    string(blob),
    string(Buffer.concat([...keys, padding])),
  ];
  const lines = Buffer.concat(file)
    .toString("base64")
    .match(/.{1,70}/g)!;
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join("\n")}\n-----END OPENSSH PRIVATE KEY-----\n`;
}
