// One secret read by a process that starts for it, as an agent's tools do all the time.
import { join } from "node:path";
import { BARE_NODE } from "./machine.mjs";
import { comparison, medians } from "./measure.mjs";
import { buildVault } from "./vault.mjs";

const ROUNDS = 41;

export function measure({ hasAge, withMachine }) {
  return withMachine(async (machine) => {
    const { files } = await buildVault(machine, { secrets: 100, recipients: 10 });
    const secret = files[0].replace(/^.*\/secrets\/|\.enc$/g, "");
    const { get, bareNode, age } = medians(
      {
        bareNode: () => machine.run(...BARE_NODE),
        get: () => machine.run(...machine.cli("get", secret)),
        ...(hasAge && { age: () => machine.run("age", "-d", "-i", machine.ownerKey, join(machine.repository, files[0])) }),
      },
      ROUNDS,
    );
    return [
      comparison("get", get, "node -e 0", bareNode, { says: "within 45 ms", reached: get - bareNode <= 45 }),
      ...(hasAge ? [comparison("get", get, "age -d", age)] : []),
    ];
  });
}
