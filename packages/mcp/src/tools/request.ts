import { dirname } from "node:path";
import { inputRequired } from "@modelcontextprotocol/server";
import {
  ERROR_CODES,
  formatSecretPath,
  loadVaultKeys,
  openVault,
  parseSecretPath,
  presentedToken,
  printable,
  shellWord,
  VaultError,
  VaultFiles,
} from "@agent-vault/vault/read-only";
import { displaySafeName } from "@agent-vault/runner";
import { defaultGroupOf, openState, set, type Principal, type SecretPath, type VaultState } from "@agent-vault/vault";
import * as z from "zod";
import { requirePrincipal } from "../call/principal.js";
import { tool, type Call, type ToolAnswer } from "../call/call.js";
import type { Proposal } from "../value-page/value-form.js";
import type { ValuePage } from "../value-page/value-page.js";
import { isWithin, outsideGroups } from "../call/within-groups.js";

const DEFAULT_WAIT_S = 45;
const MAX_WAIT_S = 600;
/** How long a person has to say whether they open the page. */
const CONSENT_TIMEOUT_MS = 120_000;

const output = z.object({
  status: z.enum(["stored", "waiting", "run_command"]),
  secret: z.string(),
  command: z.string().optional().describe("what the person runs on a terminal of their own, where status is run_command"),
});
type Answer = ToolAnswer<z.input<typeof output>>;

/** `agent_vault_request` */
export const request = tool({
  name: "agent_vault_request",
  title: "Ask the person for a missing secret",
  description:
    "Asks the person to add a secret that the vault does not have. They type the value on a page of their own machine or on a terminal; you never see it. " +
    "Never ask for a value in the conversation, and tell the person to revoke one that was pasted into it. " +
    "Look with agent_vault_list first: it may be there under another name. Ask for the least that does the job, such as a read-only key of a test account. " +
    "When the status is waiting, call again with the same path to keep waiting; when it is run_command, show the person the command.",
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  input: z.strictObject({
    path: z.string().max(1024).describe("the name it is to have, group/name, such as stripe/test-key"),
    reason: z.string().trim().min(1).max(500).describe("what you need it for: shown to the person"),
    description: z.string().trim().max(500).optional().describe("what it is: a proposal, which the person sees and decides on"),
    environment: z.string().max(64).optional().describe("such as test or production: a proposal, which the person sees and decides on"),
    access: z
      .enum(["read", "read-write", "admin"])
      .optional()
      .describe("what it should let its holder do: a proposal, which the person sees and decides on"),
    wait_seconds: z.int().min(0).max(MAX_WAIT_S).default(DEFAULT_WAIT_S).describe("how long to wait for the person before answering"),
  }),
  output,
  async call(call, { path, reason, description, environment, access, wait_seconds: waitSeconds }) {
    const context = call.context("set");
    const secretPath = parseSecretPath(path);
    const secret = formatSecretPath(secretPath);
    const root = await call.root();
    const known = call.pages.find(secret);
    if (known) return waitFor(call, known, secret, waitSeconds);

    const state = await openState(context, root, call.key(root));
    if (!isWithin(call.policy, [defaultGroupOf(secretPath)])) throw outsideGroups(call.policy, secret);
    if (state.hasSecret(secretPath)) {
      throw new VaultError("ALREADY_EXISTS", `${secret} is in the vault.`, {
        remedy: "Use it with agent_vault_run. If its value is wrong or old, tell the person, who sets a new one with agent-vault set.",
      });
    }
    const principal = await requirePrincipal(context, root, call.key(root));
    if (!call.client.canOpen || !(await canStore(call, root))) return commandFor(root, secret);

    const proposal = { description, environment, access };
    const page = await call.pages.open({
      secret,
      who: whoAsks(call, principal),
      reason,
      folder: root,
      maxBytes: state.config.settings.max_value_bytes,
      ...readersOf(state, secretPath, principal),
      groups: groupsFor(call, state, secretPath),
      proposal,
      store: async (value, grant, { group, ...attributes }) => {
        const agents = grant && principal?.role === "agent" && principal.name !== undefined ? [principal.name] : undefined;
        await set(context, {
          vault: root,
          key: call.ownerKey(root),
          path,
          value: onlyNew(root, secretPath, value),
          group,
          agents,
          attributes,
        });
      },
    });
    return await consent(call, page, { secret, proposal }, waitSeconds);
  },
});

/** A page never replaces a value, not even one that was set while the page was open. */
function onlyNew(root: string, path: SecretPath, value: Uint8Array): Uint8Array {
  if (!new VaultFiles(root).hasSecret(path)) return value;
  throw new VaultError("ALREADY_EXISTS", `${formatSecretPath(path)} was set in the meantime.`, {
    remedy: "Its value was kept. To change it, run agent-vault set.",
  });
}

/** Has the person open the page, which they may decline. */
async function consent(
  call: Call,
  page: ValuePage,
  { secret, proposal }: { readonly secret: string; readonly proposal: Proposal },
  waitSeconds: number,
): Promise<Answer> {
  const said = Object.entries(proposal).flatMap(([name, text]) =>
    text === undefined ? [] : [`${name} ${JSON.stringify(displaySafeName(text))}`],
  );
  const proposed = said.length === 0 ? "" : ` The agent proposes ${said.join(", ")}: you decide on the page.`;
  const message = `${whoAsks(call)} asks you to add ${secret} to the vault. You type the value on a page of this machine; the agent does not see it.${proposed}`;
  call.progress("Waiting for the person to open the page.");
  const view = await call.ask(inputRequired.elicitUrl({ message, url: page.url }), CONSENT_TIMEOUT_MS);
  if (view.kind === "elicit" && view.action === "accept") return waitFor(call, page, secret, waitSeconds);
  page.close();
  const why = view.kind === "elicit" ? "the person declined." : "nobody answered in time.";
  throw new VaultError("APPROVAL_DENIED", `${secret} was not added: ${why}`, {
    remedy: "Go on without it, and tell the person what is missing.",
  });
}

async function waitFor(call: Call, page: ValuePage, secret: string, waitSeconds: number): Promise<Answer> {
  call.progress("Waiting for the person to type the value.");
  const end = await Promise.race([page.ended, later(waitSeconds * 1000, call.signal)]);
  if (end === "stored") return { text: `${secret} is in the vault. Use it with agent_vault_run.`, data: { status: "stored", secret } };
  if (end === "later") {
    const text = `The person has not typed the value yet. Call agent_vault_request with path ${secret} again to keep waiting.`;
    return { text, data: { status: "waiting", secret } };
  }
  if (end === "closed")
    throw new VaultError("APPROVAL_DENIED", `${secret} was not added: nobody typed a value in time.`, {
      remedy: "Ask again if the person wants you to.",
    });
  throw end.error;
}

function later(waitMs: number, signal: AbortSignal): Promise<"later"> {
  return new Promise((done) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      done("later");
    };
    const timer = setTimeout(end, waitMs);
    if (signal.aborted) end();
    else signal.addEventListener("abort", end);
  });
}

/** Whether what a person types can be stored here: that takes an owner's key, and no token. */
async function canStore(call: Call, root: string): Promise<boolean> {
  const context = call.context("set");
  if (presentedToken(context) !== undefined) return false;
  try {
    const keys = await loadVaultKeys(context, root, call.ownerKey(root));
    const { principal } = await openVault(context, root, "files", { keys, quiet: true });
    return (await principal())?.role === "owner";
  } catch (error) {
    if (error instanceof VaultError && ERROR_CODES[error.code].kind === "key") return false;
    throw error;
  }
}

function commandFor(root: string, secret: string): Answer {
  const command = `agent-vault -C ${shellWord(dirname(root))} set ${shellWord(secret)}`;
  const text = `Ask the person to run this in their own terminal, where it asks for the value: ${command}\nThey must not paste the value into the conversation.`;
  return { text, data: { status: "run_command", secret, command } };
}

function whoAsks(call: Call, principal?: Principal): string {
  const name = principal?.role === "agent" && principal.name !== undefined ? `The agent ${principal.name}` : "An agent";
  return printable(`${name}, through ${call.client.name},`);
}

/** The groups that the server offers and the person may list the secret in: first the one that its name says. */
function groupsFor(call: Call, { manifest }: VaultState, path: SecretPath): { name: string; agents: string[] }[] {
  const names = [...new Set([defaultGroupOf(path), ...manifest.groups.keys()])].filter((name) => isWithin(call.policy, [name]));
  const agentsOf = (name: string) => [...manifest.agents].filter(([, groups]) => groups.has(name)).map(([agent]) => agent);
  return names.map((name) => ({ name, agents: agentsOf(name) }));
}

function readersOf(
  state: VaultState,
  path: SecretPath,
  principal: Principal | undefined,
): { readers: readonly string[]; grantable: string | undefined } {
  const group = defaultGroupOf(path);
  const readers = [...state.manifest.agents].filter(([, groups]) => groups.has(group)).map(([agent]) => agent);
  const isWaiting = principal?.role === "agent" && principal.name !== undefined && !readers.includes(principal.name);
  return { readers, grantable: isWaiting ? principal.name : undefined };
}
