// The first secret of a Python program that starts for it, natively and by way of the command line, which puts the read on record.
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { installWheel, pythonEnvironment } from "../../tools/python.mjs";
import { comparison, medians } from "./measure.mjs";
import { buildVault } from "./vault.mjs";

const ROUNDS = 21;
const PROGRAM = "import sys; from agent_vault import Vault; Vault('.').get(sys.argv[1])";

export function measure({ hasAge, withMachine, say }) {
  const { python, missing } = pythonEnvironment();
  if (python === undefined) {
    say(`python is left out: ${missing}`);
    return [];
  }
  installWheel(python);
  return withMachine(async (machine) => {
    const { files } = await buildVault(machine, { secrets: 100, recipients: 10 });
    const secret = files[0].replace(/^.*\/secrets\/|\.enc$/g, "");
    const bin = join(machine.root, "bin");
    mkdirSync(bin);
    writeFileSync(join(bin, "agent-vault"), `#!/bin/sh\nexec ${machine.cli('"$@"').join(" ")}\n`);
    chmodSync(join(bin, "agent-vault"), 0o755);
    const onRecord = { ...machine.env, PATH: `${bin}:${process.env.PATH}`, AGENT_VAULT_AUDIT: "" };
    const { native, recorded, bare, age } = medians(
      {
        bare: () => machine.run(python, "-c", "0"),
        native: () => machine.run(python, "-c", PROGRAM, secret),
        recorded: () => machine.runIn(onRecord, python, "-c", PROGRAM, secret),
        ...(hasAge && { age: () => machine.run("age", "-d", "-i", machine.ownerKey, join(machine.repository, files[0])) }),
      },
      ROUNDS,
    );
    return [
      comparison("first secret in Python, no record", native, "python -c 0", bare),
      ...(hasAge ? [comparison("first secret in Python, no record", native, "age -d", age)] : []),
      comparison("first secret in Python, on record", recorded, "without a record", native),
    ];
  });
}
