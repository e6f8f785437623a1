import { expect, it } from "vitest";
import { Sandbox } from "../../../support/sandbox.js";
import { makeVault } from "../../../support/vault.js";

it("grants a group to an agent that reads its only secret already, where another agent is in the group", async () => {
  const box = new Sandbox();
  await makeVault(box, { "h/other": "value" }, { bot: ["h/other"], dev: ["h"] });
  await box.grant("bot", "h");
  for (const agent of ["bot", "dev"]) expect(await box.ok("get", "h/other", "--key", box.agentKey(agent))).toBe("value");
});
