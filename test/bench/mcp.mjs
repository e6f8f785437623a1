// A round trip with the MCP server, which has started once, beside a process for each call.
import { performance } from "node:perf_hooks";
import process from "node:process";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { comparison, medians } from "./measure.mjs";

const ROUNDS = 15;

export function measure({ withMachine }) {
  return withMachine(async (machine) => {
    delete machine.env.AGENT_VAULT_AUDIT;
    machine.run(...machine.cli("init", "--no-hook"));
    machine.run(...machine.cli("set", "stripe/api-key", "--generate"));
    const [command, ...args] = machine.cli("-C", machine.repository, "mcp");
    const client = new Client({ name: "bench", version: "1" });
    await client.connect(new StdioClientTransport({ command, args, env: machine.env, cwd: machine.repository, stderr: "pipe" }));
    const call = async (name, words) => {
      const times = [];
      for (let round = 0; round < ROUNDS; round++) {
        const start = performance.now();
        const result = await client.callTool({ name, arguments: words });
        if (result.isError) throw new Error(`${name}: ${JSON.stringify(result.content)}`);
        times.push(performance.now() - start);
      }
      return times.toSorted((a, b) => a - b)[ROUNDS >> 1];
    };
    try {
      const list = await call("agent_vault_list", {});
      const run = await call("agent_vault_run", { command: ["true"], secrets: ["stripe/api-key"], reason: "a bench" });
      const alone = medians(
        {
          list: () => machine.run(process.execPath, ...machine.cli("list", "--json").slice(1)),
          run: () => machine.run(...machine.cli("run", "--secret", "stripe/api-key", "--no-pull", "--", "true")),
        },
        ROUNDS,
      );
      return [
        comparison("MCP: agent_vault_list", list, "agent-vault list", alone.list),
        comparison("MCP: agent_vault_run true", run, "agent-vault run", alone.run),
      ];
    } finally {
      await client.close();
    }
  });
}
