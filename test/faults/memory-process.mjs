// One process that reads the states of a clone, one after the other, until it is done or killed: memory-process.mjs CLONE STATES FROM TO
import { cpSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { processContext, readSecret } from "../../packages/vault/dist/read-only.js";

const [clone, states, from, to] = process.argv.slice(2);
const context = processContext({ warn: (message) => writeSync(1, `warning ${message}\n`) });
const root = join(clone, ".agent-vault");
for (let state = Number(from); state <= Number(to); state++) {
  // A process that was killed may have left none.
  rmSync(root, { recursive: true, force: true });
  cpSync(join(states, String(state)), root, { recursive: true });
  await readSecret(context, root, "stripe/api-key", { pull: false });
  writeSync(1, `remembered ${state}\n`);
}
