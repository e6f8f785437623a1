import { resolve } from "node:path";
import process from "node:process";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { expect, it } from "vitest";
import { CLI, Sandbox } from "../support/sandbox.js";
import { makeVault } from "../support/vault.js";
import { rounds, timeLimitMs } from "../support/slow.js";

const SDK = resolve(import.meta.dirname, "../../sdk-node/dist/index.js");
/** How often each does its work; DOORS_ROUNDS=150 takes about a minute on two cores. */
const ROUNDS = rounds(3, 150, "DOORS_ROUNDS");

it(
  `lets two agents, a program, an MCP client and an owner work at once, ${ROUNDS} times each`,
  { timeout: timeLimitMs(600_000) },
  async () => {
    const box = new Sandbox({ audit: true });
    await makeVault(box, { "shared/token": "value-number-0" });
    for (const agent of ["ann", "bob", "cat"]) {
      await box.addAgent(agent, "shared");
    }
    const isValue = /^value-number-\d+$/;
    const repeat = async (work: (round: number) => Promise<void>) => {
      for (let round = 1; round <= ROUNDS; round++) await work(round);
    };

    const readBy = (agent: string) =>
      repeat(async () => {
        const outcome = await box.cli(["get", "shared/token", "--key", box.agentKey(agent)]);
        expect([outcome.code, outcome.stderr]).toEqual([0, ""]);
        expect(outcome.stdout.toString()).toMatch(isValue);
      });
    const program = async () => {
      const source = `import { Vault } from ${JSON.stringify(SDK)};
      const vault = new Vault({ repoPath: ".", keyPath: ${JSON.stringify(box.agentKey("cat"))} });
      for (let round = 0; round < ${ROUNDS}; round++) console.log(await vault.get("shared/token"));`;
      const outcome = await box.run(process.execPath, ["--input-type=module", "-e", source]);
      expect([outcome.code, outcome.stderr]).toEqual([0, ""]);
      const values = outcome.stdout.toString().trim().split("\n");
      expect(values).toHaveLength(ROUNDS);
      for (const value of values) expect(value).toMatch(isValue);
    };
    const model = async () => {
      const client = new Client({ name: "test", version: "1" });
      const env = Object.fromEntries(Object.entries(box.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
      const args = [CLI, "-C", box.repository, "mcp"];
      await client.connect(new StdioClientTransport({ command: process.execPath, args, env, cwd: box.repository, stderr: "pipe" }));
      try {
        await repeat(async () => {
          const command = ["sh", "-c", 'echo "has $SHARED_TOKEN"'];
          const result = await client.callTool({
            name: "agent_vault_run",
            arguments: { command, secrets: ["shared/token"], reason: "a test" },
          });
          expect(JSON.stringify(result)).toContain("has [REDACTED:shared/token]");
        });
      } finally {
        await client.close();
      }
    };
    const owner = () => repeat((round) => box.set("shared/token", `value-number-${round}`));
    await Promise.all([readBy("ann"), readBy("bob"), program(), model(), owner()]);

    const entries = JSON.parse(await box.ok("audit", "--json", "--last", "100000")) as { who: string; action: string; outcome: string }[];
    const count = (who: string, action: string) =>
      entries.filter((one) => one.who === who && one.action === action && one.outcome === "done").length;
    expect(["ann", "bob", "cat"].map((agent) => count(agent, "get"))).toEqual([ROUNDS, ROUNDS, ROUNDS]);
    expect([count("eric", "run"), count("eric", "set")]).toEqual([ROUNDS, ROUNDS + 1]);
    expect(entries.filter(({ outcome }) => outcome !== "done")).toEqual([]);
    expect(JSON.parse(await box.ok("audit", "verify", "--json"))).toMatchObject({ holds: true });
    expect((await box.cli(["check"])).code).toBe(0);
  },
);
