import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readSecret } from "#vault/index.js";
import { setLastAsked } from "../../support/memory-and-clock.js";
import { Project } from "../../support/project.js";

it("fetches what a person's partial clone lacks of the vault at once, and not one file after the other", async () => {
  const project = await Project.make();
  const { box, remote } = project;
  for (const name of ["uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"]) box.gitIn(remote, "config", name, "true");
  const clone = join(box.root, "partial");
  box.gitIn(box.root, "clone", "--quiet", "--filter=blob:none", `file://${remote}`, clone);
  for (const name of ["a", "b", "c", "d"]) await box.set(`stripe/${name}`, name);
  await box.set("stripe/api-key", "two");
  box.git("push", "--quiet");

  const trace = join(box.root, "trace");
  const read = async () => {
    rmSync(trace, { force: true });
    setLastAsked(clone);
    const context = project.context(clone);
    const env = { ...context.env, GIT_TRACE: trace };
    const { value } = await readSecret({ ...context, env }, join(clone, ".agent-vault"), "stripe/api-key", { key: project.key });
    const lines = existsSync(trace) ? readFileSync(trace, "utf8").split("\n") : [];
    return { value: Buffer.from(value).toString(), fetches: lines.filter((line) => / git .*\bfetch\b.*--stdin/.test(line)).length };
  };
  const first = await read();
  expect(first.value).toBe("two");
  // Who signed, then the other files; each run is traced as git and as its built-in command.
  expect(first.fetches).toBeGreaterThan(0);
  expect(first.fetches).toBeLessThanOrEqual(6);
  expect(await read()).toEqual({ value: "two", fetches: 0 });
});
