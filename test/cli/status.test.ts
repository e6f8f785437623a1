import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { colleagueChanges } from "../support/colleague.js";
import { prepared, type Sandbox } from "../support/sandbox.js";
import { makeVault } from "../support/vault.js";

const vault = prepared(async (box) => makeVault(box, { "stripe/api-key": "one" }));

interface Status {
  readonly state: { readonly sequence: number; readonly signer: string };
  readonly secrets: { readonly all: number };
  readonly upstream?: { readonly name: string; readonly ahead: number; readonly behind: number };
  readonly repository: {
    readonly branch?: string;
    readonly home?: string;
    readonly diverged: boolean;
    readonly last_verified?: string;
    readonly last_asked?: string;
    readonly unsigned: readonly string[];
  };
  readonly next?: string;
}

const status = async (box: Sandbox) => JSON.parse(await box.ok("status", "--json")) as Status;

it("shows where the clone is, when its remote was asked, and what to run next, step by step", async () => {
  const box = await vault();
  const before = await status(box);
  expect(before.repository).toEqual({ branch: "main", diverged: false, unsigned: [] });
  expect(before).not.toHaveProperty("next");

  box.addRemote();
  await box.ok("get", "stripe/api-key");
  const asked = await status(box);
  expect(asked.repository).toMatchObject({ branch: "main", home: "main", diverged: false });
  expect(asked.repository.last_verified).toBe(asked.repository.last_asked);
  expect(Date.parse(asked.repository.last_asked!)).toBeGreaterThan(0);
  expect(asked.upstream).toEqual({ name: "origin/main", ahead: 0, behind: 0 });

  await box.set("stripe/api-key", "two");
  expect(await status(box)).toMatchObject({ upstream: { ahead: 1, behind: 0 }, next: "agent-vault sync" });
  await colleagueChanges(box);
  box.git("fetch", "--quiet");
  expect(await status(box)).toMatchObject({ upstream: { ahead: 1, behind: 1 }, repository: { diverged: true }, next: "agent-vault sync" });

  box.git("checkout", "--quiet", "-b", "feature");
  expect(await status(box)).toMatchObject({ repository: { branch: "feature" }, next: "git push --set-upstream origin HEAD" });
  box.git("checkout", "--quiet", "--detach");
  expect((await status(box)).repository).not.toHaveProperty("branch");
});

it("shows what nobody has signed, whether committed or not, beside what was signed, and does not fail", async () => {
  const box = await vault();
  const signed = await status(box);
  appendFileSync(join(box.vault, "manifest.yaml"), "# edited\n");
  box.git("commit", "--quiet", "--all", "--message", "By hand");
  appendFileSync(join(box.vault, "secrets/stripe/api-key.meta"), "description: x\n");
  const edited = await status(box);
  expect(edited).toMatchObject({ state: { sequence: signed.state.sequence }, secrets: { all: 1 }, next: "agent-vault sign" });
  expect(edited.repository.unsigned).toEqual(["manifest.yaml", "secrets/stripe/api-key.meta"]);
  const lines = (await box.ok("status")).split("\n");
  expect(lines.length).toBeLessThan(20);
  expect(lines).toContainEqual(expect.stringMatching(/^Unsigned +manifest\.yaml/));
  expect(lines).toContainEqual("Next      agent-vault sign");
  await box.sign();
  expect((await status(box)).repository.unsigned).toEqual([]);
});
