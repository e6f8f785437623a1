// Reads one secret of the vault it is started in: node read-secret.mjs PATH verified|unverified
import process from "node:process";
import { findVault, loadKeys, openSecret, processContext, readSecret, VaultFiles } from "../../packages/vault/dist/read-only.js";

const [secret, how] = process.argv.slice(2);
const context = processContext();
const root = findVault(context);
if (how === "verified") await readSecret(context, root, secret, { pull: false });
else await openSecret(new VaultFiles(root).ciphertext(secret), secret, await loadKeys(context));
