// One process at work on a ledger, until it has done its rounds or is killed: ledger-process.mjs ROLE NAME ROUNDS VAULT-FOLDER
import { writeSync } from "node:fs";
import process from "node:process";
import { Ledger } from "../../packages/ledger/dist/index.js";
import { loadKeys, openState, parseRecipient, processContext } from "../../packages/vault/dist/index.js";

const [role, name, rounds, vault] = process.argv.slice(2);
const context = processContext({ warn: (message) => writeSync(1, `warning ${message}\n`) });
const { identities } = await loadKeys(context);
const state = await openState(context, vault);
const ledger = await Ledger.open({
  context,
  vault: state.config.id,
  identities: async () => identities,
  recipients: async () => [parseRecipient(await identities[0].recipient())],
});

const WORK = {
  async write(round) {
    const command = ["deploy", `--plaintext-command-${name}-${round}`];
    const row = await ledger.audit.record({
      action: "run",
      outcome: "started",
      who: `plaintext-agent-${name}`,
      secrets: ["stripe/plaintext-name"],
      command,
    });
    // In one call, so that what was said is what was done.
    writeSync(1, `recorded ${row.id} ${command[1]}\n`);
    const completion = await ledger.audit.complete(row, { outcome: "done", exitCode: 0 });
    writeSync(1, `completed ${completion.id} ${command[1]}\n`);
  },
  async read() {
    const entries = await ledger.audit.list({ last: 20 });
    if (entries.some(({ action, id }) => action !== "run" || !Number.isSafeInteger(id)))
      throw new Error("A row is not one that was written.");
    const { total } = await ledger.index.query({ search: "stripe", sort: "rotated" });
    // Before the first refresh there is none.
    if (total !== 2 && total !== 0) throw new Error(`There are ${total} secrets.`);
    writeSync(1, "read\n");
  },
  async refresh(round) {
    const { total } = await (round % 2 === 0 ? ledger.index.rebuild(state) : ledger.index.refresh(state));
    if (total !== 3) throw new Error(`There are ${total} secrets.`);
    writeSync(1, "refreshed\n");
  },
};
for (let round = 0; round < Number(rounds); round++) await WORK[role](round);
