import { authorizeRead } from "@agent-vault/runner";
import { readSecret, decodeUtf8 } from "@agent-vault/vault/read-only";
import * as z from "zod";
import { clientApprover } from "../approval/approve.js";
import { tool } from "../call/call.js";
import { restrictedTo } from "../call/within-groups.js";

/** `agent_vault_get`, which is offered only where the server allows it. */
export const get = tool({
  name: "agent_vault_get",
  title: "Show a secret's value",
  description:
    "Shows the value of one secret to you. Everything that you see may be kept in logs and sent elsewhere, so this is the last resort: where a command can " +
    "use the secret, call agent_vault_run. Do not repeat the value in an answer, in a file or in a command.",
  annotations: { readOnlyHint: true, openWorldHint: false, idempotentHint: true },
  input: z.strictObject({
    secret: z.string().max(1024).describe("group/name, as agent_vault_list has it"),
    reason: z
      .string()
      .trim()
      .min(1)
      .max(500)
      .describe("what it is for, and why agent_vault_run is not enough: shown to the person and recorded"),
  }),
  output: z.object({ secret: z.string(), encoding: z.enum(["utf-8", "base64"]), value: z.string() }),
  async call(call, { secret: name, reason }) {
    const context = call.context("get");
    const root = await call.root();
    const { secret, value } = await readSecret(context, root, name, {
      key: call.key(root),
      pull: call.policy.pull,
      judge: authorizeRead("get", {
        door: "mcp",
        approver: clientApprover(context, call),
        reason,
        mayShow: true,
        restrict: restrictedTo(call.policy),
      }),
    });
    const text = decodeUtf8(value);
    const data =
      text === undefined
        ? { secret, encoding: "base64" as const, value: Buffer.from(value).toString("base64") }
        : { secret, encoding: "utf-8" as const, value: text };
    return { text: data.value, data };
  },
});
