import { join } from "node:path";
import { expect, it } from "vitest";
import { addOwner, revoke, grant } from "#vault/index.js";
import { VaultState } from "#vault/files/vault-state.js";
import { rounds, SLOW, timeLimitMs } from "../support/slow.js";
import { makeTeam, memberOf, store } from "./team.js";

it.runIf(SLOW)(
  "three owners with two remotes end in one state, however they merge apart",
  { timeout: timeLimitMs(1_800_000) },
  async () => {
    const { box, ana, ben, remote } = await makeTeam();
    const home = join(box.home, "cem", ".agent-vault");
    await box.run("mkdir", ["-p", home]);
    await addOwner(ana.context(), { ...ana.request(), owner: "cem", keyOut: join(home, "owner.key") });
    await ana.sync();
    await ben.sync();
    box.gitIn(box.root, "clone", "--quiet", remote, "clone-cem");
    const cem = memberOf(box, "cem", join(box.root, "clone-cem"), home);
    box.gitIn(box.root, "clone", "--quiet", "--bare", remote, "second.git");
    const second = join(box.root, "second.git");
    // ben works with the other remote, and cem with both.
    ben.git("remote", "set-url", "origin", second);

    for (let round = 0; round < rounds(20, 20, "ROUNDS"); round++) {
      for (const member of [ana, ben, cem]) {
        await store(member, `g/${member.name}`, `${round}`);
        await store(member, "g/shared", `${member.name} ${round}`);
      }
      if (round % 2 === 0) await revoke(ana.context(), { ...ana.request(), agent: "bot", target: "g" });
      else await grant(ana.context(), { ...ana.request(), agent: "bot", target: "g" });
      const across = async () => {
        for (const url of [second, remote]) {
          cem.git("remote", "set-url", "origin", url);
          await cem.sync({ side: "theirs" });
        }
      };
      let syncs = 0;
      const locks = () => new Set([ana, ben, cem].map((member) => member.lock()));
      for (; syncs < 4 && (syncs === 0 || locks().size > 1); syncs++) {
        await ana.sync({ side: "ours" });
        await ben.sync({ side: "theirs" });
        await across();
      }
      expect([locks().size, syncs <= 3]).toEqual([1, true]);
      const values = await Promise.all([ana, ben, cem].map((member) => member.read("g/shared")));
      expect(new Set(values).size).toBe(1);
      expect(new VaultState(ana.vault).agentsOf("g/p" as never)).toEqual(round % 2 === 0 ? [] : ["bot"]);
    }
  },
);

it("two owners who both had to encrypt again end in one more state and no other", async () => {
  const { box, ana, ben, remote } = await makeTeam();
  box.gitIn(box.root, "clone", "--quiet", "--bare", remote, "second.git");
  await store(ben, "g/p", "new");
  await revoke(ana.context(), { ...ana.request(), agent: "bot", target: "g" });
  // Each takes the other's state without the remote that both know, and encrypts g/p again.
  ana.git("push", "--quiet", join(box.root, "second.git"), "main");
  ben.git("push", "--quiet");
  await ana.sync({ push: false });
  ben.git("remote", "set-url", "origin", join(box.root, "second.git"));
  await ben.sync({ push: false });
  expect(ben.lock()).not.toBe(ana.lock());
  ben.git("remote", "set-url", "origin", remote);
  await ana.sync();
  const { merged } = await ben.sync();
  expect(merged).toMatchObject({ encrypted: 0, notes: [] });
  expect((await ana.sync()).merged).toBeUndefined();
  expect(ana.lock()).toBe(ben.lock());
  expect(await ana.read("g/p")).toBe("new");
});
