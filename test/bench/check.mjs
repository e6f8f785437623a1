// What looks at every secret of a large vault and needs no key. No loop of age does the same.
import { BARE_NODE } from "./machine.mjs";
import { comparison, medians } from "./measure.mjs";
import { buildVault } from "./vault.mjs";

const ROUNDS = 5;

export function measure({ withMachine, say }) {
  return withMachine(async (machine) => {
    say("building a vault of 10,000 x 10");
    await buildVault(machine, { secrets: 10_000, recipients: 10 });
    say("measuring check, verify and list");
    const { bareNode, check, verify, list } = medians(
      {
        bareNode: () => machine.run(...BARE_NODE),
        check: () => machine.run(...machine.cli("check")),
        verify: () => machine.run(...machine.cli("verify")),
        list: () => machine.run(...machine.cli("list", "--json")),
      },
      ROUNDS,
    );
    return [
      comparison("check of 10,000 x 10", check, "node -e 0", bareNode),
      comparison("verify of 10,000 x 10", verify, "node -e 0", bareNode, { says: "within 2.5 s", reached: verify <= 2500 }),
      comparison("list of 10,000 x 10", list, "node -e 0", bareNode),
    ];
  });
}
