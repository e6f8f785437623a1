// Measures agent-vault beside what one would use without it, in one run on one machine: npm run bench -- [--full] [SUBJECT ...]
// Every time is that of a whole process of the built command line, from its start to its end.
import { cpus } from "node:os";
import process from "node:process";
import { parseArgs } from "node:util";
import { has, Machine } from "./machine.mjs";
import { printTable } from "./measure.mjs";

const SUBJECTS = [
  "get",
  "sdk",
  "python",
  "verification",
  "scan",
  "check",
  "ledger",
  "run-command",
  "mcp",
  "grant-revoke",
  "merge",
  "scrub",
];

const { values, positionals } = parseArgs({ options: { full: { type: "boolean", default: false } }, allowPositionals: true });
const unknown = positionals.find((subject) => !SUBJECTS.includes(subject));
if (unknown !== undefined) {
  process.stderr.write(`There is no subject ${unknown}; there are ${SUBJECTS.join(", ")}.\n`);
  process.exit(2);
}

const hasAge = has("age");
const say = (message) => process.stderr.write(`${message} ...\n`);
process.stdout.write(`Node ${process.version}, ${process.platform} ${process.arch}, ${cpus().length} x ${cpus()[0]?.model.trim()}\n`);
if (!hasAge) process.stdout.write("There is no age on this machine, so nothing is measured beside it.\n");

const comparisons = [];
for (const subject of SUBJECTS) {
  if (positionals.length > 0 && !positionals.includes(subject)) continue;
  say(subject);
  const { measure } = await import(`./${subject}.mjs`);
  comparisons.push(...(await measure({ full: values.full, hasAge, withMachine, say })));
}
process.stdout.write("\n");
printTable(comparisons);

async function withMachine(work) {
  const machine = new Machine();
  try {
    return await work(machine);
  } finally {
    machine.remove();
  }
}
