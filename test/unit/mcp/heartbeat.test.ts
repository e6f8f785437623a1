import { PassThrough } from "node:stream";
import { expect, it } from "vitest";
import { serve } from "#mcp/server/serve.js";
import { Sandbox } from "../../support/sandbox.js";
import { makeVault } from "../../support/vault.js";

it("a client hears of every call that takes long, whatever the call does", async () => {
  const box = new Sandbox();
  await makeVault(box, { "stripe/test-key": "sk_test_1234567890" });
  const [input, output] = [new PassThrough(), new PassThrough()];
  const heard: string[] = [];
  let ended!: () => void;
  const answered = new Promise<void>((resolve) => (ended = resolve));
  output.setEncoding("utf8").on("data", (chunk: string) => {
    for (const line of chunk.split("\n").filter(Boolean)) {
      const { id, method, params } = JSON.parse(line) as { id?: number; method?: string; params?: { message: string } };
      if (method === "notifications/progress") heard.push(params!.message);
      if (id === 2) ended();
    }
  });
  const served = serve(box.context(), {
    version: "0",
    groups: undefined,
    allowGet: false,
    pull: false,
    idleLockMs: undefined,
    findVault: async () => box.vault,
    key: () => ({ keyFile: box.ownerKey }),
    heartbeatMs: 30,
    input,
    output,
  });
  const send = (message: object) => input.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  const clientInfo = { name: "test-client", version: "1" };
  send({ id: 1, method: "initialize", params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo } });
  send({ method: "notifications/initialized" });
  const words = { command: ["sleep", "0.4"], secrets: ["stripe/test-key"], reason: "to wait" };
  send({ id: 2, method: "tools/call", params: { name: "agent_vault_run", arguments: words, _meta: { progressToken: 7 } } });
  await answered;
  input.end();
  await served;
  expect(heard).toContain("Running.");
  expect(heard.filter((message) => message.startsWith("Running. This call has taken")).length).toBeGreaterThan(2);
});
