import { readFileSync } from "node:fs";
import { parseIdentity, type Identity } from "#vault/index.js";

/** The identity in a key file. */
export function readIdentity(keyFile: string): Identity {
  return parseIdentity(/^AGE-SECRET-KEY-.*$/m.exec(readFileSync(keyFile, "utf8"))![0]);
}
