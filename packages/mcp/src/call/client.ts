import { CLIENT_CAPABILITIES_META_KEY, CLIENT_INFO_META_KEY, type McpServer, type ServerContext } from "@modelcontextprotocol/server";
import * as z from "zod";

/** The program that is served, as it describes itself. */
export interface Client {
  /** A hint, as every program can call itself what it likes. */
  readonly name: string;
  /** Whether it can ask its user with a form, and have them open a page. */
  readonly canAsk: boolean;
  readonly canOpen: boolean;
}

const MAX_NAME_LENGTH = 64;
const UNKNOWN = "mcp-client";
const infoSchema = z.object({ name: z.string() });
const capabilitiesSchema = z.object({ elicitation: z.looseObject({ form: z.unknown(), url: z.unknown() }).partial() });

/** Newer clients describe themselves with each call, older ones once. */
export function clientOf(server: McpServer, { mcpReq }: ServerContext): Client {
  const envelope: Record<string, unknown> = mcpReq.envelope ?? {};
  const info = infoSchema.safeParse(envelope[CLIENT_INFO_META_KEY] ?? server.server.getClientVersion()).data;
  const capabilities = capabilitiesSchema.safeParse(envelope[CLIENT_CAPABILITIES_META_KEY] ?? server.server.getClientCapabilities()).data;
  const { form, url } = capabilities?.elicitation ?? {};
  return {
    name: info?.name.replaceAll(/[^\w .:@/-]/g, "").slice(0, MAX_NAME_LENGTH) || UNKNOWN,
    // What names no kind of question means forms.
    canAsk: capabilities !== undefined && (form !== undefined || url === undefined),
    canOpen: url !== undefined,
  };
}
