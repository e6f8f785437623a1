import { vaultStatus } from "@agent-vault/ledger";
import { detectHarness, loadVaultKeys, VaultError, type Context, type KeyChoice } from "@agent-vault/vault/read-only";
import * as z from "zod";
import { tool } from "../call/call.js";

const count = z.int();

/** `agent_vault_status` */
export const status = tool({
  name: "agent_vault_status",
  title: "Show the vault's status",
  description:
    "Shows whose key this server uses, whether the vault is signed and by whom, how many secrets this agent can use, what expires, " +
    "whether uses are recorded, and how a person is asked where an approval is needed. Call it when another tool fails and you want to know why.",
  annotations: { readOnlyHint: true, openWorldHint: false, idempotentHint: true },
  input: z.strictObject({}),
  output: z.object({
    vault: z.string().describe("its folder"),
    signed: z.boolean(),
    sequence: count.optional(),
    signer: z.string().optional(),
    role: z.string().describe("owner, agent, unknown, or none where there is no key"),
    name: z.string().optional(),
    why_no_key: z.string().optional(),
    harness: z.string().optional().describe("the program that this server takes its client to be"),
    secrets: z.object({ all: count, usable: count.optional() }),
    groups: count,
    agents: count,
    expired: count,
    expiring: count,
    rotation_due: count,
    recorded: z.boolean(),
    why_not_recorded: z.string().optional(),
    restricted_to_groups: z.array(z.string()).optional(),
    values_can_be_shown: z.boolean(),
    approvals: z.enum(["client", "dialog"]).describe("where a person is asked first"),
  }),
  async call(call) {
    const context = call.context("status");
    const root = await call.root();
    const found = await vaultStatus(context, root, call.key(root));
    const { groups, allowGet } = call.policy;
    const data = {
      vault: found.folder,
      signed: found.state !== undefined,
      sequence: found.state?.sequence,
      signer: found.state?.signer,
      role: found.you?.role ?? "none",
      name: found.you?.name,
      why_no_key: found.you ? undefined : await whyNoKey(context, root, call.key(root)),
      harness: detectHarness(context.env),
      secrets: { all: found.secrets.all, usable: found.secrets.yours },
      groups: found.groups,
      agents: found.agents,
      expired: found.expired,
      expiring: found.expiring,
      rotation_due: found.overdue,
      recorded: found.audit.on,
      why_not_recorded: found.audit.on ? undefined : found.audit.why,
      restricted_to_groups: groups && [...groups],
      values_can_be_shown: allowGet,
      approvals: call.client.canAsk ? ("client" as const) : ("dialog" as const),
    };
    const who = found.you ? [...new Set([found.you.role, found.you.name])].filter(Boolean).join(" ") : "nobody";
    const text = [
      `The vault in ${data.vault} ${data.signed ? `is in state ${data.sequence}, signed by ${data.signer}` : "is not signed"}.`,
      `This server acts for ${who}; ${data.secrets.usable ?? 0} of ${data.secrets.all} secrets can be used${groups ? `, of these only the groups ${groups.join(", ")}` : ""}.`,
      ...(data.why_no_key === undefined ? [] : [data.why_no_key]),
      data.recorded ? "Uses are recorded." : `Uses are not recorded: ${data.why_not_recorded}.`,
    ].join("\n");
    return { text, data };
  },
});

async function whyNoKey(context: Context, root: string, key: KeyChoice): Promise<string | undefined> {
  try {
    await loadVaultKeys(context, root, key);
    return undefined;
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    return `${error.message} [${error.code}]`;
  }
}
