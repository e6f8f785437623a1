import { expect, it } from "vitest";
import type { SignedFiles } from "#vault/lock/signed-files.js";
import { parseSecretPath } from "#vault/format/names.js";
import { VaultFiles } from "#vault/files/vault-files.js";

it("the header of an armored file is read from the bytes that were verified", () => {
  const [signed, forged] = ["signed", "forged"].map((text) => Buffer.from(`-----BEGIN AGE ENCRYPTED FILE-----\n${text}`));
  const reads = [signed, forged];
  const files = new VaultFiles({ root: "/vault", read: () => reads.shift(), walk: () => [] });
  files.vouch({ require: (_file: string, bytes?: Uint8Array) => expect(bytes).toBe(signed) } as unknown as SignedFiles);
  expect(files.head(parseSecretPath("a/b"))).toBe(signed);
});
