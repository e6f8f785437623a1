// One process that presents a token as soon as it is told to, and prints what came of it: token-use.mjs VAULT TOKEN, with
// AGENT_VAULT_LEDGER_KEY.
import { once } from "node:events";
import process from "node:process";
import { Ledger } from "../../packages/ledger/dist/index.js";
import { verifyToken } from "../../packages/runner/dist/index.js";
import { processContext } from "../../packages/vault/dist/read-only.js";

const [vault, token] = process.argv.slice(2);
const context = processContext();
const none = async () => [];
const ledger = await Ledger.open({ context, vault, identities: none, recipients: none });
const secret = { secret: "stripe/api-key", groups: ["stripe"], tags: [] };
const principal = { role: "agent", name: "bot", identity: "age1bot" };
const use = {
  action: "run",
  door: "cli",
  byToken: true,
  variables: [],
  cleanEnvironment: false,
  output: "scrubbed",
  secrets: [secret],
  principal,
  invocation: { folder: "/" },
  command: ["true"],
};
process.stdout.write("ready ");
await once(process.stdin, "data");
process.stdin.destroy();
try {
  await verifyToken(ledger.tokens, token, use, context.now());
  process.stdout.write("used");
} catch (error) {
  process.stdout.write(String(error.code ?? error.stack));
}
