import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { errorCode, prepared, type Sandbox } from "../support/sandbox.js";

const KEY = "sk_live_4eC39HqLyjWDarjtT1zdp7dc";

const vault = prepared(
  async (box) => {
    await box.ok("init", "--no-hook", "--owner", "eric");
    await box.set("stripe/api-key", KEY);
    await box.set("prod/key", "prod-value-that-is-long", "--environment", "production");
  },
  { audit: true },
);

type Entry = Record<string, unknown>;

async function last(box: Sandbox): Promise<Entry> {
  return (JSON.parse(await box.ok("audit", "--json", "--last", "1")) as Entry[])[0]!;
}

describe("a command that is run in another folder", () => {
  it("is on record there, and is not what was approved here", async () => {
    const box = await vault();
    const elsewhere = join(box.root, "elsewhere");
    mkdirSync(elsewhere);
    for (const folder of [elsewhere, box.repository]) writeFileSync(join(folder, "deploy.sh"), "#!/bin/sh\npwd\n", { mode: 0o755 });
    const { id } = JSON.parse(await box.ok("session", "start", "--json")) as { id: string };
    const run = (env: Record<string, string>, ...flags: string[]) =>
      box.cli(["run", "--secret", "prod/key", ...flags, "--", "./deploy.sh"], { env: { AGENT_VAULT_SESSION: id, ...env } });
    expect((await run({ AGENT_VAULT_APPROVE: "session" })).code).toBe(0);
    expect((await run({})).code).toBe(0);
    expect(errorCode(await run({}, "--cwd", elsewhere))).toBe("APPROVAL_UNAVAILABLE");
    expect(await last(box)).toMatchObject({ outcome: "denied", folder: elsewhere });
    expect((await run({ AGENT_VAULT_APPROVE: "once" }, "--cwd", elsewhere)).stdout.toString()).toBe(`${elsewhere}\n`);
    expect(await last(box)).toMatchObject({ outcome: "done", folder: elsewhere });
  });
});
