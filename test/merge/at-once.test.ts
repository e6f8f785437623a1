import { cpSync, existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { VaultState } from "#vault/files/vault-state.js";
import { rounds, SLOW } from "../support/slow.js";
import { makeTeam } from "./team.js";

const PROCESSES = SLOW ? 8 : 3;

describe("processes that set different secrets and sync with one remote at once", () => {
  it.each(SLOW ? ["one home", "a home each"] : ["a home each"])("lose nothing, with %s", { timeout: 3_600_000 }, async (homes) => {
    const { box, remote, ana } = await makeTeam();
    const clones = Array.from({ length: PROCESSES }, (_, index) => join(box.root, `clone-${index}`));
    for (const [index, clone] of clones.entries()) {
      box.gitIn(box.root, "clone", "--quiet", remote, clone);
      if (homes !== "one home") cpSync(box.home, `${clone}-home`, { recursive: true });
      expect(existsSync(join(clone, ".agent-vault")), String(index)).toBe(true);
    }
    const expected: string[] = [];
    for (let round = 0; round < rounds(1, 20, "ROUNDS"); round++) {
      await Promise.all(
        clones.map(async (clone, index) => {
          const env = homes === "one home" ? {} : { HOME: `${clone}-home` };
          const name = `p${index}/s${round}`;
          const set = await box.process(["set", name], { cwd: clone, env, input: name });
          expect([set.code, set.stderr]).toEqual([0, expect.any(String)]);
          const sync = await box.process(["sync"], { cwd: clone, env });
          expect([sync.code, sync.code === 0 ? "" : sync.stderr]).toEqual([0, ""]);
        }),
      );
      expected.push(...clones.map((_, index) => `p${index}/s${round}`));
    }
    await ana.sync();
    expect(new VaultState(ana.vault).secretPaths()).toEqual(["g/p", "h/other", ...expected].toSorted());
    expect(await ana.read(expected.at(-1)!)).toBe(expected.at(-1));
    expect((await box.process(["verify", "--strict"])).stdout.toString()).toContain("No problems found");
  });
});
