import { secretSearch } from "@agent-vault/ledger";
import * as z from "zod";
import { tool } from "../call/call.js";
import { requirePrincipal } from "../call/principal.js";
import { isWithin } from "../call/within-groups.js";

const MAX_SECRETS = 200;
const DEFAULT_SECRETS = 50;
const filter = (what: string) => z.string().max(256).optional().describe(what);

/** `agent_vault_list` */
export const list = tool({
  name: "agent_vault_list",
  title: "List secrets",
  description:
    "Lists the secrets of the vault by name, with what they are for and who reads them. Values are never shown. Call it before agent_vault_run " +
    "to choose the secret with the least power that does the job: access read before read-write before admin, and a test environment before production. " +
    "Unless all is true, only secrets that this agent can use are listed.",
  annotations: { readOnlyHint: true, openWorldHint: false, idempotentHint: true },
  input: z.strictObject({
    all: z.boolean().default(false).describe("also those that this agent cannot use"),
    search: filter("a part of the name, description, provider, account or tags"),
    group: filter("only secrets that this group lists"),
    environment: filter("only those of this environment, such as test"),
    provider: filter("only those of this provider"),
    tag: filter("only those with this tag"),
    access: z.enum(["read", "read-write", "admin"]).optional().describe("only those that let their holder do this"),
    limit: z.int().min(1).max(MAX_SECRETS).default(DEFAULT_SECRETS),
    offset: z.int().min(0).default(0),
  }),
  output: z.object({
    total: z.int().describe("how many match, on all pages"),
    secrets: z.array(
      z.object({
        secret: z.string().describe("the name to give to agent_vault_run"),
        usable: z.boolean().describe("whether this agent's key opens it; policy and approvals may still say no"),
        groups: z.array(z.string()),
        agents: z.array(z.string()).describe("who reads it besides the owners"),
        description: z.string().optional(),
        provider: z.string().optional(),
        account: z.string().optional(),
        environment: z.string().optional(),
        access: z.string().optional(),
        tags: z.array(z.string()),
        expires: z.string().optional(),
        rotated: z.string().optional(),
      }),
    ),
  }),
  async call(call, { all, limit, offset, ...query }) {
    const context = call.context("list");
    const root = await call.root();
    const key = call.key(root);
    const principal = await requirePrincipal(context, root, key);
    const isUsable = (agents: readonly string[]) =>
      principal.role === "owner" || (principal.name !== undefined && agents.includes(principal.name));
    const find = await secretSearch(context, root, key);
    // A key that the vault does not know opens nothing.
    const mine = all || principal.role === "owner" ? {} : { agent: principal.role === "agent" ? principal.name : undefined };
    const isUnknown = !all && principal.role !== "owner" && mine.agent === undefined;
    const { groups } = call.policy;
    const page = isUnknown
      ? { total: 0, secrets: [] }
      : groups === undefined
        ? await find({ ...query, ...mine, limit, offset })
        : withinGroups(await find({ ...query, ...mine }));
    const secrets = page.secrets.map(({ secret, groups, agents, metadata }) => ({
      secret,
      usable: isUsable(agents),
      groups: [...groups],
      agents: [...agents],
      description: metadata?.description ?? undefined,
      provider: metadata?.provider ?? undefined,
      account: metadata?.account ?? undefined,
      environment: metadata?.environment ?? undefined,
      access: metadata?.access ?? undefined,
      tags: [...(metadata?.tags ?? [])],
      expires: metadata?.expires ?? undefined,
      rotated: metadata?.rotated,
    }));
    return { text: formatSecrets(secrets, page.total, offset), data: { total: page.total, secrets } };

    function withinGroups(found: Awaited<ReturnType<typeof find>>) {
      const within = found.secrets.filter((one) => isWithin(call.policy, one.groups));
      return { total: within.length, secrets: within.slice(offset, offset + limit) };
    }
  },
});

interface Listed {
  readonly secret: string;
  readonly usable: boolean;
  readonly description?: string | undefined;
  readonly environment?: string | undefined;
  readonly access?: string | undefined;
  readonly provider?: string | undefined;
}

function formatSecrets(secrets: readonly Listed[], total: number, offset: number): string {
  if (total === 0) return "No matching secrets. agent_vault_request asks the person to add one that is missing.";
  const lines = secrets.map(({ secret, usable, description, environment, access, provider }) => {
    const attributes = [provider, environment, access, usable ? undefined : "not for you"].filter((text) => text !== undefined);
    return `${secret}${attributes.length > 0 ? ` (${attributes.join(", ")})` : ""}${description === undefined ? "" : `: ${description}`}`;
  });
  return [...lines, `${offset + 1} to ${offset + secrets.length} of ${total}.`].join("\n");
}
