import { inflateSync } from "node:zlib";
import * as files from "cctv-age";

/** A test vector of C2SP's CCTV: an age file and what must become of it. */
export interface Vector {
  readonly name: string;
  readonly expect: string;
  /** SHA-256 of the plaintext, as hex. */
  readonly payload: string | undefined;
  readonly identities: readonly string[];
  readonly passphrases: readonly string[];
  readonly armored: boolean;
  readonly file: Uint8Array;
}

/** All vectors of the package `cctv-age`: lines `key: value`, an empty line, the file. */
export const VECTORS: readonly Vector[] = Object.entries(files).map(([name, bytes]) => {
  const vector = Buffer.from(bytes);
  const end = vector.indexOf("\n\n");
  const lines = vector.toString("utf8", 0, end).split("\n");
  const values = (key: string) => lines.filter((line) => line.startsWith(`${key}: `)).map((line) => line.slice(key.length + 2));
  const file = vector.subarray(end + 2);
  return {
    name,
    expect: values("expect")[0]!,
    payload: values("payload")[0],
    identities: values("identity"),
    passphrases: values("passphrase"),
    armored: values("armored")[0] === "yes",
    file: values("compressed")[0] === "zlib" ? inflateSync(file) : file,
  };
});
