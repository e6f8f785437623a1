// A command that gets one secret, from the start of the process to its end.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { BARE_NODE } from "./machine.mjs";
import { comparison, medians } from "./measure.mjs";

const ROUNDS = 25;
const POLICY = `version: 1\nrules:\n  - secrets: ["**"]\n    allow: {actions: [run, get]}\n`;

export function measure({ withMachine }) {
  return withMachine(async (machine) => {
    delete machine.env.AGENT_VAULT_AUDIT;
    machine.run(...machine.cli("init", "--no-hook"));
    machine.run(...machine.cli("set", "stripe/api-key", "--generate"));
    const words = machine.cli("run", "--secret", "stripe/api-key", "--no-pull", "--", "true");
    const plain = medians(
      { child: () => machine.run("true"), bareNode: () => machine.run(...BARE_NODE), run: () => machine.run(...words) },
      ROUNDS,
    );
    writeFileSync(join(machine.repository, ".agent-vault/policy.yaml"), POLICY);
    const { digest } = JSON.parse(
      spawnSync(process.execPath, machine.cli("sign", "--dry-run", "--json").slice(1), { cwd: machine.repository, env: machine.env })
        .stdout,
    );
    machine.run(...machine.cli("sign", "--yes", digest));
    const { judged } = medians({ judged: () => machine.run(...words) }, ROUNDS);
    const start = plain.bareNode + plain.child;
    return [
      comparison("run -- true, recorded", plain.run, "node -e 0 and true", start),
      comparison("run -- true, with a policy, recorded", judged, "node -e 0 and true", start, {
        says: "within 60 ms",
        reached: judged - start <= 60,
      }),
    ];
  });
}
