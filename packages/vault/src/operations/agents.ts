import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { decrypt } from "../age/decrypt.js";
import { generateIdentity, parseIdentity, type Identity } from "../age/identity.js";
import { parseRecipient } from "../age/recipient.js";
import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import { agentKeyFile, formatKeyFile, requireKeyFolder, requireNoKeyFile, retireKeyFile, writeKeyFile } from "../key-files.js";
import { escrowFile, MANIFEST_FILE, publicKeyFile } from "../layout.js";
import { formatSecretPath, parseAgentName } from "../names.js";
import { loadOwnerKey } from "../owner-key.js";
import { changeAccess, reseal, seal, withDrifted } from "../reseal.js";
import type { Files } from "../transaction.js";
import { VaultState } from "../vault-state.js";
import { changeVault, type ChangeRequest } from "./change.js";

export interface AgentRequest extends ChangeRequest {
  readonly agent: string;
  /** Where the agent's key file goes, relative to the context's folder; `~/.agent-vault/agents/NAME.key` unless given. */
  readonly keyOut?: string | undefined;
}

export interface AgentKeyResult {
  readonly agent: string;
  readonly recipient: string;
  readonly keyFile: string;
}

/** What an agent no longer reads; it has seen these values, so they are to be rotated at the source. */
export interface AgentLoss {
  readonly secrets: readonly string[];
  /** Where the agent's former key file was moved to, if there was one. */
  readonly retiredKeyFile: string | undefined;
}

/**
 * Makes an agent: a key of its own, escrowed to the owners, and no access to anything yet.
 * @throws VaultError `ALREADY_EXISTS`, `INVALID_NAME`, and what a transaction throws
 */
export async function addAgent(context: Context, request: AgentRequest): Promise<AgentKeyResult> {
  const agent = parseAgentName(request.agent);
  const keyFile = keyFileOf(context, request);
  const { identity, ...result } = await changeVault(context, request, async (state, owner) => {
    const twin = [...state.manifest.agents.keys()].find((name) => name.toLowerCase() === agent.toLowerCase());
    if (twin !== undefined) {
      throw new VaultError("ALREADY_EXISTS", `There is an agent ${twin} already.`, {
        remedy: `For its key on this machine run agent-vault restore-agent ${twin}; for a new key, agent-vault recover-agent ${twin}.`,
      });
    }
    if (!request.dryRun) requireNoKeyFile(context, keyFile);
    const identity = await generateIdentity(state.owners[0]!.recipient.kind);
    const dropped = state.manifest.dropDanglingGrants(agent);
    if (dropped.length > 0) {
      context.warn(
        `The manifest still let an earlier agent ${agent} read ${dropped.map(formatSecretPath).join(", ")}. That is not passed on to the new one; grant it where it is meant.`,
      );
    }
    state.manifest.addAgent(agent);
    return {
      message: `agent-vault: add agent ${agent}`,
      result: { agent, recipient: await identity.recipient(), keyFile, identity },
      files: async () => new Map([[MANIFEST_FILE, state.manifest.toBytes()], ...(await agentFiles(state, owner, agent, identity))]),
    };
  });
  if (!request.dryRun) await writeAgentKey(context, request.vault, agent, keyFile, identity);
  return { agent: result.agent, recipient: result.recipient, keyFile };
}

/**
 * Takes an agent and its access out of the vault; everything that it could read gets a new file key.
 * @throws VaultError `AGENT_NOT_FOUND`, and what a transaction throws
 */
export async function removeAgent(context: Context, request: AgentRequest): Promise<{ agent: string } & AgentLoss> {
  const result = await changeVault(context, request, (state, owner) => {
    const agent = state.manifest.requireAgent(request.agent);
    const keyFile = agentKeyFile(context, agent);
    if (!request.dryRun && existsSync(keyFile)) requireKeyFolder(context, dirname(keyFile));
    const paths = state.secretPaths();
    const edited = changeAccess(state, paths, () => state.manifest.removeAgent(agent));
    const changes = withDrifted(state, paths, edited);
    return {
      message: `agent-vault: remove agent ${agent}`,
      result: { agent, secrets: changes.map(({ path }) => formatSecretPath(path)) },
      files: async () =>
        new Map([
          ...(await reseal(context, state, owner, changes)),
          [MANIFEST_FILE, state.manifest.toBytes()],
          [publicKeyFile(agent), null],
          [escrowFile(agent), null],
        ]),
    };
  });
  return { ...result, retiredKeyFile: request.dryRun ? undefined : retireKeyFile(context, agentKeyFile(context, result.agent)) };
}

/**
 * Gives an agent a new key, for when the old one is lost or in wrong hands: all that it reads is encrypted anew, and the old key
 * opens none of it.
 * @throws VaultError `AGENT_NOT_FOUND`, and what a transaction throws
 */
export async function recoverAgent(context: Context, request: AgentRequest): Promise<AgentKeyResult & AgentLoss> {
  const agent = parseAgentName(request.agent);
  const keyFile = keyFileOf(context, request);
  if (!request.dryRun) {
    if (request.keyOut === undefined) requireKeyFolder(context, dirname(keyFile));
    else requireNoKeyFile(context, keyFile);
  }
  const { identity, ...result } = await changeVault(context, request, async (state, owner) => {
    state.manifest.requireAgent(agent);
    const paths = state.secretPaths().filter((path) => state.agentsOf(path).includes(agent));
    const identity = await generateIdentity(state.owners[0]!.recipient.kind);
    const recipient = await identity.recipient();
    const changes = paths.map((path) => ({ path, before: state.agentsOf(path), after: state.agentsOf(path), rekeyed: true }));
    return {
      message: `agent-vault: recover agent ${agent}`,
      result: { agent, recipient, identity, secrets: paths.map(formatSecretPath) },
      files: async (): Promise<Files> => {
        state.replaceAgentRecipient(agent, parseRecipient(recipient));
        const all = withDrifted(state, state.secretPaths(), changes);
        return new Map([...(await reseal(context, state, owner, all)), ...(await agentFiles(state, owner, agent, identity))]);
      },
    };
  });
  if (request.dryRun) return { ...result, keyFile, retiredKeyFile: undefined };
  const retiredKeyFile = request.keyOut === undefined ? retireKeyFile(context, keyFile) : undefined;
  await writeAgentKey(context, request.vault, agent, keyFile, identity);
  return { ...result, keyFile, retiredKeyFile };
}

/**
 * Writes an agent's key file from its escrow, as on a new machine; the vault does not change. A different key in the same place is
 * moved aside.
 * @throws VaultError `AGENT_NOT_FOUND`, `DAMAGED`, `NOT_AUTHORIZED`, `ALREADY_EXISTS`
 */
export async function restoreAgent(
  context: Context,
  request: AgentRequest,
): Promise<AgentKeyResult & { retiredKeyFile: string | undefined; present: boolean }> {
  const state = new VaultState(request.vault);
  const agent = state.manifest.requireAgent(request.agent);
  const owner = await loadOwnerKey(context, state, request.key ?? {});
  const identity = await openEscrow(state, agent, owner);
  const recipient = await identity.recipient();
  const keyFile = keyFileOf(context, request);
  if (holdsKey(keyFile, identity)) return { agent, recipient, keyFile, retiredKeyFile: undefined, present: true };
  if (request.dryRun) return { agent, recipient, keyFile, retiredKeyFile: undefined, present: false };
  const retiredKeyFile = request.keyOut === undefined ? retireKeyFile(context, keyFile) : undefined;
  await writeAgentKey(context, request.vault, agent, keyFile, identity);
  return { agent, recipient, keyFile, retiredKeyFile, present: false };
}

/** An agent's identity from its escrow, checked against its public key. @throws VaultError `DAMAGED`, `NOT_AUTHORIZED` */
async function openEscrow(state: VaultState, agent: string, owner: Identity): Promise<Identity> {
  const escrow = state.bytes(escrowFile(agent));
  if (!escrow) {
    throw new VaultError("FILE_NOT_FOUND", `Agent ${agent} has no escrow, so its key cannot be restored.`, {
      remedy: `Give it a new key: agent-vault recover-agent ${agent}.`,
    });
  }
  const identity = parseIdentity(new TextDecoder().decode(await decrypt(escrow, [owner])));
  if ((await identity.recipient()) === state.agentRecipient(agent).text) return identity;
  throw new VaultError("DAMAGED", `The escrow of agent ${agent} holds another key than its public.key names.`, {
    remedy: `Find out who changed it (git log); agent-vault recover-agent ${agent} gives it a new key.`,
  });
}

async function agentFiles(state: VaultState, owner: Identity, agent: string, identity: Identity): Promise<Files> {
  const encode = (text: string) => new TextEncoder().encode(text);
  return new Map([
    [publicKeyFile(agent), encode(await identity.recipient())],
    [
      escrowFile(agent),
      await seal(
        encode(identity.reveal()),
        state.owners.map(({ recipient }) => recipient),
        owner,
      ),
    ],
  ]);
}

async function writeAgentKey(context: Context, vault: string, agent: string, file: string, identity: Identity): Promise<void> {
  const comments = { created: context.now().toISOString(), agent, vault: new VaultState(vault).config.id };
  try {
    await writeKeyFile(context, file, await formatKeyFile(identity, comments));
  } catch (cause) {
    throw new VaultError(
      cause instanceof VaultError && cause.code === "DISK_FULL" ? cause.code : "UNWRITABLE",
      `The vault was changed, but the key of agent ${agent} could not be written to ${file}.`,
      {
        remedy: `Its key is in escrow: agent-vault restore-agent ${agent} writes it, with --to FILE to another place.`,
        cause,
      },
    );
  }
}

function keyFileOf(context: Context, request: AgentRequest): string {
  return request.keyOut === undefined ? agentKeyFile(context, request.agent) : resolve(context.cwd, request.keyOut);
}

function holdsKey(file: string, identity: Identity): boolean {
  try {
    return readFileSync(file, "utf8").split(/\s+/).includes(identity.reveal());
  } catch {
    return false;
  }
}
