// What the pre-commit hook does at each commit, for one of ten files.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BARE_NODE } from "./machine.mjs";
import { comparison, medians } from "./measure.mjs";
import { buildVault } from "./vault.mjs";

const ROUNDS = 21;
const LINE = "export const answer = compute(question, { patience: 7_500_000, unit: 'year' }); // and so on\n";

export function measure({ withMachine }) {
  return withMachine(async (machine) => {
    await buildVault(machine, { secrets: 10, recipients: 10 });
    const folder = join(machine.repository, "src");
    mkdirSync(folder);
    for (let index = 0; index < 10; index++) writeFileSync(join(folder, `module-${index}.js`), LINE.repeat(200));
    machine.run("git", "add", "--all");
    const { bareNode, scan, status } = medians(
      {
        bareNode: () => machine.run(...BARE_NODE),
        scan: () => machine.run(...machine.cli("scan", "--staged")),
        status: () => machine.run("git", "status", "--porcelain"),
      },
      ROUNDS,
    );
    return [
      comparison("scan --staged, 10 files", scan, "node -e 0", bareNode),
      comparison("scan --staged, 10 files", scan, "git status", status),
    ];
  });
}
