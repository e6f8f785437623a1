import { expect, it } from "vitest";
import { gitEnvironment } from "#vault/git/environment.js";
import { runGit } from "#vault/git/run-git.js";
import { Sandbox } from "../../../support/sandbox.js";

it("settings that are announced and not there end git at once, as they do without agent-vault", async () => {
  const box = new Sandbox();
  const context = box.context();
  for (const count of ["99999999", "99999999x", "1e99", "0x5f5e0ff"]) {
    const env = { ...context.env, GIT_CONFIG_COUNT: count, GIT_CONFIG_KEY_0: "a.b", GIT_CONFIG_VALUE_0: "c" };
    expect(gitEnvironment(env)).toMatchObject({ GIT_CONFIG_COUNT: "2" });
    await expect(runGit({ ...context, env }, box.repository, ["rev-parse"])).rejects.toMatchObject({ code: "GIT_FAILED" });
  }
});

it("settings that are there are git's", async () => {
  const box = new Sandbox();
  const context = box.context();
  const env = { ...context.env, GIT_CONFIG_COUNT: "1", GIT_CONFIG_KEY_0: "a.b", GIT_CONFIG_VALUE_0: "c" };
  expect(await runGit({ ...context, env }, box.repository, ["config", "a.b"])).toBe("c\n");
});
