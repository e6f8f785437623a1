import * as z from "zod/mini";
import { CIPHERS } from "./database/connection.js";

/** `~/.agent-vault/ledger.json` as it is written, with its defaults. */
export const settingsSchema = z.strictObject({
  cipher: z._default(z.enum(CIPHERS, { error: `one of ${CIPHERS.join(", ")}` }), "aegis256"),
  key: z._default(z.enum(["identity", "passphrase", "keychain", "command"]), "identity"),
  key_command: z.optional(z.tuple([z.string()], z.string())),
});
