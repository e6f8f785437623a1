// What it costs a reader to verify before it decrypts: one secret read in a process of its own with the verification and without it.
import { fileURLToPath } from "node:url";
import process from "node:process";
import { BARE_NODE } from "./machine.mjs";
import { comparison, medians } from "./measure.mjs";
import { buildVault } from "./vault.mjs";

const ROUNDS = 41;
const REACHES = { 20: 3, 1000: undefined, 10_000: 150 };
const READER = fileURLToPath(new URL("read-secret.mjs", import.meta.url));

export async function measure({ withMachine, say }) {
  const comparisons = [];
  for (const [secrets, reach] of Object.entries(REACHES)) {
    say(`building a group of ${secrets}`);
    await withMachine(async (machine) => {
      const { files } = await buildVault(machine, { secrets: Number(secrets), recipients: 2 });
      const secret = files[0].replace(/^.*\/secrets\/|\.enc$/g, "");
      const read = (how) => () => machine.run(process.execPath, READER, secret, how);
      const { verified, unverified, verify, bareNode } = medians(
        {
          unverified: read("unverified"),
          verified: read("verified"),
          ...(Number(secrets) === 10_000 && {
            bareNode: () => machine.run(...BARE_NODE),
            verify: () => machine.run(...machine.cli("verify")),
          }),
        },
        Number(secrets) > 1000 ? 11 : ROUNDS,
      );
      comparisons.push(
        comparison(
          `a read in a group of ${secrets}, verified`,
          verified,
          "the same unverified",
          unverified,
          reach && { says: `${reach} ms more`, reached: verified - unverified <= reach },
        ),
      );
      if (verify)
        comparisons.push(comparison("verify of 10,000", verify, "node -e 0", bareNode, { says: "within 2.5 s", reached: verify <= 2500 }));
    });
  }
  return comparisons;
}
