// A grant and a revoke of a group of many secrets, beside the shell loop of age that gives the same files the same recipients.
import { AgeLoop } from "./age-loop.mjs";
import { BARE_NODE } from "./machine.mjs";
import { comparison, medians } from "./measure.mjs";
import { buildVault, GROUP, NEWCOMER } from "./vault.mjs";

const CASES = [
  { secrets: 1_000, recipients: 10, rounds: 3 },
  { secrets: 1_000, recipients: 100, rounds: 1 },
  { secrets: 10_000, recipients: 10, rounds: 1 },
  { secrets: 10_000, recipients: 100, rounds: 1, full: true },
];
const SAMPLE = 300;

export async function measure({ full, hasAge, withMachine, say }) {
  const comparisons = [];
  for (const { secrets, recipients, rounds, ...size } of CASES) {
    const title = `${secrets.toLocaleString("en")} x ${recipients}`;
    if (size.full && !full) {
      say(`${title} takes minutes and is left out; run npm run bench -- --full grant-revoke.`);
      continue;
    }
    await withMachine(async (machine) => {
      say(`building a vault of ${title}`);
      const vault = await buildVault(machine, { secrets, recipients });
      say(`measuring ${title}`);
      const loop = hasAge ? new AgeLoop(machine, vault.files, { sample: full ? Infinity : SAMPLE }) : undefined;
      const { grant, revoke, bareNode, ageGrant, ageRevoke } = medians(
        {
          bareNode: () => machine.run(...BARE_NODE),
          grant: () => machine.run(...machine.cli("grant", NEWCOMER, GROUP)),
          ...(loop && { ageGrant: () => loop.reencrypt([...vault.recipients, vault.newcomer]) }),
          revoke: () => machine.run(...machine.cli("revoke", NEWCOMER, GROUP)),
          ...(loop && { ageRevoke: () => loop.reencrypt(vault.recipients) }),
        },
        rounds,
      );
      const largest = size.full === true;
      if (loop) {
        const faster = ageGrant / grant;
        comparisons.push(
          comparison(
            `grant ${title}`,
            grant,
            loop.name,
            ageGrant,
            largest ? { says: "15 times faster", reached: faster >= 15 } : undefined,
          ),
          comparison(
            `revoke ${title}`,
            revoke,
            loop.name,
            ageRevoke,
            largest ? { says: "no slower", reached: revoke <= ageRevoke } : undefined,
          ),
        );
      }
      comparisons.push(
        comparison(`grant ${title}`, grant, "node -e 0", bareNode),
        comparison(`revoke ${title}`, revoke, "node -e 0", bareNode),
      );
    });
  }
  return comparisons;
}
