import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { decrypt } from "../age/decrypt.js";
import { generateIdentity, parseIdentity, type Identity } from "../age/identity.js";
import { parseRecipient } from "../age/recipient.js";
import { resolvePath, type Context } from "../context.js";
import { VaultError } from "../errors.js";
import {
  agentKeyFile,
  describeKeyFile,
  serializeKeyFile,
  loadKeys,
  requireKeyFolder,
  requireNoKeyFile,
  archiveKeyFile,
  writeKeyFile,
} from "../keys/key-files.js";
import { escrowFile, MANIFEST_FILE, publicKeyFile } from "../format/layout.js";
import { formatSecretPath, parseAgentName } from "../format/names.js";
import { ownerIdentityAmong } from "../keys/owner-identity.js";
import { actorOf } from "../record/recorder.js";
import { changeAccess, reencrypt, seal, reencrypted, includingOutdated } from "../change/reencrypt.js";
import type { FileChanges } from "../change/transaction.js";
import { vaultIdIn, type SignedLock } from "../lock/open-lock.js";
import { VaultTrust } from "../trust/vault-trust.js";
import { VaultState } from "../files/vault-state.js";
import { changeSigned, changeVault, type ChangeRequest } from "../change/signed-change.js";

export interface AgentRequest extends ChangeRequest {
  readonly agent: string;
  /**
   * Where the agent's key file goes, relative to the context's folder. Unless given it is `~/.agent-vault/agents/NAME.key`, or where
   * another vault's agent of that name has its key there, `NAME-ID.key` with the first 8 characters of this vault's id.
   */
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
  const { result: made, signed } = await changeSigned(context, request, async (state) => {
    const twin = [...state.manifest.agents.keys()].find((name) => name.toLowerCase() === agent.toLowerCase());
    if (twin !== undefined) {
      throw new VaultError("ALREADY_EXISTS", `There is an agent ${twin} already.`, {
        remedy: `For its key on this machine run agent-vault restore-agent ${twin}; for a new key, agent-vault recover-agent ${twin}.`,
      });
    }
    const { keyFile } = await keyFileFor(context, state, agent, request);
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
      files: async (owner) => new Map([[MANIFEST_FILE, state.manifest.toBytes()], ...(await agentFiles(state, owner, agent, identity))]),
    };
  });
  const { identity, ...result } = made;
  if (!request.dryRun) await writeNewAgentKey(context, signed, agent, result.keyFile, identity);
  return result;
}

/**
 * Takes an agent and its access out of the vault; everything that it could read gets a new file key.
 * @throws VaultError `AGENT_NOT_FOUND`, and what a transaction throws
 */
export async function removeAgent(context: Context, request: AgentRequest): Promise<{ agent: string } & AgentLoss> {
  const { keyFile, ...result } = await changeVault(context, request, async (state) => {
    const agent = state.manifest.requireAgent(request.agent);
    const keyFile = await presentKeyFile(context, state, agent);
    if (!request.dryRun && keyFile !== undefined) requireKeyFolder(context, dirname(keyFile));
    const paths = state.secretPaths();
    const edited = changeAccess(state, paths, () => state.manifest.removeAgent(agent));
    const changes = includingOutdated(state, paths, edited);
    return {
      message: `agent-vault: remove agent ${agent}`,
      result: { agent, keyFile, secrets: changes.map(({ path }) => formatSecretPath(path)) },
      files: async (owner) =>
        new Map([
          ...(await reencrypt(context, state, owner, changes)),
          [MANIFEST_FILE, state.manifest.toBytes()],
          [publicKeyFile(agent), null],
          [escrowFile(agent), null],
        ]),
    };
  });
  return { ...result, retiredKeyFile: request.dryRun || keyFile === undefined ? undefined : archiveKeyFile(context, keyFile) };
}

/**
 * Gives an agent a new key, for when the old one is lost or in wrong hands: all that it reads is encrypted anew, and the old key
 * opens none of it.
 * @throws VaultError `AGENT_NOT_FOUND`, and what a transaction throws
 */
export async function recoverAgent(context: Context, request: AgentRequest): Promise<AgentKeyResult & AgentLoss> {
  const agent = parseAgentName(request.agent);
  const { result: made, signed } = await changeSigned(context, request, async (state) => {
    state.manifest.requireAgent(agent);
    const { keyFile, former } = await keyFileFor(context, state, agent, request);
    if (!request.dryRun && former) requireKeyFolder(context, dirname(keyFile));
    else if (!request.dryRun) requireNoKeyFile(context, keyFile);
    const paths = state.secretPaths().filter((path) => state.agentsOf(path).includes(agent));
    const identity = await generateIdentity(state.owners[0]!.recipient.kind);
    const recipient = await identity.recipient();
    const changes = paths.map((path) => reencrypted(state, path));
    return {
      message: `agent-vault: recover agent ${agent}`,
      result: { agent, recipient, identity, keyFile, former, secrets: paths.map(formatSecretPath) },
      files: async (owner): Promise<FileChanges> => {
        state.replaceAgentRecipient(agent, parseRecipient(recipient));
        const all = includingOutdated(state, state.secretPaths(), changes);
        return new Map([...(await reencrypt(context, state, owner, all)), ...(await agentFiles(state, owner, agent, identity))]);
      },
    };
  });
  const { identity, former, ...result } = made;
  if (request.dryRun) return { ...result, retiredKeyFile: undefined };
  const retiredKeyFile = former ? archiveKeyFile(context, result.keyFile) : undefined;
  await writeNewAgentKey(context, signed, agent, result.keyFile, identity);
  return { ...result, retiredKeyFile };
}

/**
 * Writes an agent's key file from its escrow, as on a new machine; the vault does not change. A former key of the agent's in the same
 * place is moved aside.
 * @throws VaultError `AGENT_NOT_FOUND`, `DAMAGED`, `NOT_AUTHORIZED`, `ALREADY_EXISTS`
 */
export async function restoreAgent(
  context: Context,
  request: AgentRequest,
): Promise<AgentKeyResult & { retiredKeyFile: string | undefined; present: boolean }> {
  const state = new VaultState(request.vault);
  const keys = await loadKeys(context, { ...request.key, vaultId: () => vaultIdIn(state.source) });
  const signed = await new VaultTrust(context, request.vault, keys).verifyForChange(state);
  const agent = state.manifest.requireAgent(request.agent);
  const owner = await ownerIdentityAmong(keys, state);
  const identity = await openEscrow(state, agent, owner);
  const recipient = await identity.recipient();
  const { keyFile, former } = await keyFileFor(context, state, agent, request);
  const present = (await describeKeyFile(keyFile))?.recipients.includes(recipient) ?? false;
  if (request.dryRun) return { agent, recipient, keyFile, retiredKeyFile: undefined, present };
  const what = `The key of agent ${agent} was taken from its escrow.`;
  await context.recorder?.record(context, actorOf(state, keys, signed.lock.vault), { outcome: "done", reason: what });
  if (present) {
    await context.recorder?.admit([parseRecipient(recipient)]);
    return { agent, recipient, keyFile, retiredKeyFile: undefined, present };
  }
  if (!former) requireNoKeyFile(context, keyFile);
  const retiredKeyFile = former ? archiveKeyFile(context, keyFile) : undefined;
  await writeAgentKey(context, signed, agent, keyFile, identity);
  return { agent, recipient, keyFile, retiredKeyFile, present: false };
}

/** An agent's identity from its escrow, checked against its public key. @throws VaultError `DAMAGED`, `NOT_AUTHORIZED` */
export async function openEscrow(state: VaultState, agent: string, owner: Identity): Promise<Identity> {
  const escrow = state.read(escrowFile(agent));
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

/** An agent's public key and its escrow. @param owner opens the escrow again before it counts */
export async function agentFiles(state: VaultState, owner: Identity, agent: string, identity: Identity): Promise<FileChanges> {
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

/** Writes an agent's key, and with it who signs the vault and which state is there now: what the agent trusts on a new machine. */
export async function writeAgentKey(
  context: Context,
  { lock, digest }: SignedLock,
  agent: string,
  file: string,
  identity: Identity,
): Promise<void> {
  const comments = {
    created: context.now().toISOString(),
    agent,
    vault: lock.vault,
    owner: lock.owners.map(({ key }) => key),
    state: `${lock.sequence} ${digest}`,
  };
  await context.recorder?.admit([parseRecipient(await identity.recipient())]);
  await writeKeyFile(context, file, await serializeKeyFile(identity, comments));
  if (file === agentKeyFile(context, agent, lock.vault))
    context.warn(`${agentKeyFile(context, agent)} is not of this vault's ${agent} and stays as it is; this one's key is ${file}.`);
}

/** As {@link writeAgentKey}, when there is no way back. */
async function writeNewAgentKey(context: Context, signed: SignedLock, agent: string, file: string, identity: Identity): Promise<void> {
  try {
    await writeAgentKey(context, signed, agent, file, identity);
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

/** Where an agent's key file goes: the chosen place, else where a `former` one is, else the first of its places that is free. */
export async function keyFileFor(
  context: Context,
  state: VaultState,
  agent: string,
  { keyOut }: Pick<AgentRequest, "keyOut"> = {},
): Promise<{ keyFile: string; former: boolean }> {
  if (keyOut !== undefined) return { keyFile: resolvePath(context, keyOut), former: false };
  const present = await presentKeyFile(context, state, agent);
  const places = keyFilePlaces(context, state, agent);
  return { keyFile: present ?? places.find((place) => !existsSync(place)) ?? places.at(-1)!, former: present !== undefined };
}

/**
 * The key file at home that is this agent's: made for it in this vault, or without a word of its vault, holding its present key.
 * The folder is shared by all vaults of a person, so a file of the right name may well be another vault's.
 */
async function presentKeyFile(context: Context, state: VaultState, agent: string): Promise<string | undefined> {
  const recipient = new TextDecoder().decode(state.read(publicKeyFile(agent))).trim();
  for (const place of keyFilePlaces(context, state, agent)) {
    const key = await describeKeyFile(place);
    if (!key) continue;
    const { comments, recipients } = key;
    if (comments.vault === undefined ? recipients.includes(recipient) : comments.vault === state.config.id && comments.agent === agent)
      return place;
  }
  return undefined;
}

function keyFilePlaces(context: Context, state: VaultState, agent: string): string[] {
  const { id } = state.config;
  return [agentKeyFile(context, agent), ...(id === undefined ? [] : [agentKeyFile(context, agent, id)])];
}
