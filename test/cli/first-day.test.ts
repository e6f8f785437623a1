import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { errorCode, Sandbox } from "../support/sandbox.js";

describe("a first day with agent-vault", () => {
  it("stores, grants, reads and revokes one secret", async () => {
    const box = new Sandbox({ git: false });
    await box.ok("init");
    await box.set("stripe/api-key", "sk_test_1");
    await box.ok("add-agent", "billing-agent");
    await box.ok("grant", "billing-agent", "stripe");

    const read = ["get", "stripe/api-key", "--key", box.agentKey("billing-agent")];
    expect((await box.cli(read)).stdout.toString()).toBe("sk_test_1");

    await box.ok("revoke", "billing-agent", "stripe");
    const refused = await box.cli(read);
    expect(refused.code).toBe(4);
    expect(errorCode(refused)).toBe("NOT_AUTHORIZED");
    expect(refused.stdout).toHaveLength(0);

    expect(box.git("status", "--porcelain")).toBe("");
    expect(box.git("log", "--format=%s").trim().split("\n")).toEqual([
      "agent-vault: revoke stripe from billing-agent",
      "agent-vault: grant stripe to billing-agent",
      "agent-vault: add agent billing-agent",
      "agent-vault: set stripe/api-key",
      "agent-vault: init",
    ]);
    expect(readFileSync(join(box.vault, "manifest.yaml"), "utf8")).toContain("- name: billing-agent\n  groups: []");
  });
});
