import { expect, it } from "vitest";
import { set } from "#vault/index.js";
import { Sandbox } from "../../../support/sandbox.js";
import { makeVault } from "../../../support/vault.js";

it("grants a group to an agent that reads its only secret already, where another agent is in the group", async () => {
  const box = new Sandbox();
  await makeVault(box, { "h/other": "value" }, { bot: ["h/other"], dev: ["h"] });
  await box.grant("bot", "h");
  for (const agent of ["bot", "dev"]) expect(await box.ok("get", "h/other", "--key", box.agentKey(agent))).toBe("value");
});

it("lists a secret in a group whose agents read it already, and read it in another order", async () => {
  const box = new Sandbox();
  await makeVault(box, { "h/other": "value", "g/p": "first" }, { bot: ["g", "h/other"], dev: ["h"] });
  await set(box.context(), { vault: box.vault, path: "h/other", value: undefined, group: "g" });
  for (const agent of ["bot", "dev"]) expect(await box.ok("get", "h/other", "--key", box.agentKey(agent))).toBe("value");
});
