// Builds a vault with many secrets and readers as the commands would leave it, through the same code, in a fraction of their time.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { encrypt, generateIdentity, init, loadKeys, processContext, runBatch, VaultState } from "../../packages/vault/dist/index.js";
import { escrowFile, metadataFile, publicKeyFile, secretFile } from "../../packages/vault/dist/format/layout.js";
import { createMetadata } from "../../packages/vault/dist/format/metadata.js";
import { Ancestry } from "../../packages/vault/dist/lock/ancestry.js";
import { openLock } from "../../packages/vault/dist/lock/open-lock.js";
import { signState } from "../../packages/vault/dist/change/sign-state.js";
import { SigningKey } from "../../packages/vault/dist/keys/signing-key.js";

/** The group that lists every secret, and an agent that reads none. */
export const GROUP = "fleet";
export const NEWCOMER = "newcomer";

/**
 * Makes a vault whose secrets all have the same readers, commits it, and has `check` look through it.
 * @param options.recipients how many each secret has: the owner, and agents of the one group
 * @returns the vault's files of secrets, relative to the repository, and its recipients, with the newcomer's
 */
export async function buildVault(machine, { secrets, recipients }) {
  const context = processContext({ cwd: machine.repository, env: machine.env });
  const { vault } = await init(context, {});
  const state = new VaultState(vault);
  const owner = (await loadKeys(context)).identities[0];
  const ownerRecipient = state.owners[0].recipient;
  const write = (file, bytes) => {
    mkdirSync(dirname(join(vault, file)), { recursive: true });
    writeFileSync(join(vault, file), bytes);
  };

  const agents = Array.from({ length: recipients - 1 }, (_, index) => `agent-${String(index + 1).padStart(3, "0")}`);
  const { manifest } = state;
  for (const agent of [...agents, NEWCOMER]) {
    const identity = await generateIdentity("x25519");
    manifest.addAgent(agent);
    if (agent !== NEWCOMER) manifest.joinGroup(agent, GROUP);
    write(publicKeyFile(agent), Buffer.from(await identity.recipient()));
    write(escrowFile(agent), await encrypt(Buffer.from(`${identity.reveal()}\n`), [ownerRecipient]));
  }

  const paths = Array.from(
    { length: secrets },
    (_, index) => `${GROUP}/service-${String(index % 100).padStart(2, "0")}/token-${String(index).padStart(5, "0")}`,
  );
  const readers = [ownerRecipient, ...agents.map((agent) => state.agentRecipient(agent))].map(({ text }) => text);
  const jobs = [];
  for (const path of paths) {
    manifest.listSecret(GROUP, path);
    write(
      metadataFile(path),
      createMetadata(path, {
        group: GROUP,
        created: "2026-11-01T00:00:00Z",
        rotated: "2026-11-01T00:00:00Z",
        version: 1,
        authorized_agents: agents,
      }),
    );
    jobs.push({ kind: "re-encrypt", name: path, file: await encrypt(Buffer.from(`value of ${path}`), [ownerRecipient]), recipients: 0 });
  }
  const files = await runBatch(jobs, [readers], owner);
  paths.forEach((path, index) => write(secretFile(path), files[index]));
  write("manifest.yaml", manifest.toBytes());
  const signed = openLock(state.read("vault.lock"), state.read("vault.lock.sig"));
  const present = { digests: new VaultState(vault).digests(), config: state.read("config.yaml"), files: new Map() };
  const next = {
    vault: signed.lock.vault,
    owners: signed.lock.owners,
    parents: [{ signed, ancestry: Ancestry.NONE, signers: [] }],
    ...present,
  };
  for (const [file, bytes] of signState(context, new SigningKey(owner, next.vault), next).files) write(file, bytes);

  machine.run("git", "add", "--all");
  machine.run("git", "commit", "--quiet", "--message", "A vault to measure");
  machine.run(...machine.cli("check"));
  return {
    files: paths.map((path) => join(".agent-vault", secretFile(path))),
    recipients: readers,
    newcomer: new VaultState(vault).agentRecipient(NEWCOMER).text,
  };
}
