import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  agentKeyFile,
  identitiesInHome,
  loadVaultKeys,
  MANIFEST_FILE,
  recordVault,
  VaultFolder,
  vaultIdIn,
  type Actor,
  type Context,
  type KeyChoice,
  type Recipient,
} from "@agent-vault/vault/read-only";
import type { VaultState } from "@agent-vault/vault";
import { Ledger } from "./ledger.js";
import { describeTakenIn } from "./spool/taken-in.js";

/**
 * The ledger of a vault, opened with the keys that were found.
 * @throws VaultError the codes of {@link Ledger.open}, and as `openVault` where a new one is made
 */
export async function openLedger(context: Context, actor: LedgerActor): Promise<Ledger> {
  return Ledger.open(optionsOf(context, actor));
}

/** As {@link Ledger.unlock}. */
export async function unlockLedger(context: Context, actor: LedgerActor, mayAsk: boolean): Promise<boolean> {
  return Ledger.unlock(optionsOf(context, actor), mayAsk);
}

type LedgerActor = Pick<Actor, "root" | "vault" | "keys">;

function optionsOf(context: Context, actor: LedgerActor): Parameters<typeof Ledger.open>[0] {
  return {
    context,
    vault: recordVault(actor),
    identities: async () => actor.keys.identities,
    others: () => identitiesInHome(context),
    recipients: () => recipientsHere(context, actor),
  };
}

/**
 * The ledger of the vault in a folder, opened with the key that was chosen or found.
 * @param root the vault's folder
 * @throws VaultError as {@link openLedger}, and those of `loadVaultKeys`
 */
export async function openLedgerAt(context: Context, root: string, key: KeyChoice = {}): Promise<Ledger> {
  return openLedger(context, { root, vault: vaultIdIn(new VaultFolder(root)), keys: await loadVaultKeys(context, root, key) });
}

/**
 * As {@link openLedgerAt}, with what waits in this machine's spool taken in, for whatever shows the audit log. What could not be taken in is a
 * warning.
 * @throws VaultError as `openLedgerAt`, `LEDGER_NEWER`
 */
export async function openAuditLedger(context: Context, root: string, key: KeyChoice = {}): Promise<Ledger> {
  const ledger = await openLedgerAt(context, root, key);
  for (const sentence of describeTakenIn(await ledger.takeIn(root))) context.warn(sentence);
  return ledger;
}

/** The owners, the agents whose keys lie on this machine, and who is at work: none of another kind than the owners'. */
async function recipientsHere(context: Context, { root, vault, keys }: Pick<Actor, "root" | "vault" | "keys">): Promise<Recipient[]> {
  const { openVault, parseRecipient } = await import("@agent-vault/vault");
  const recipients = new Map<string, Recipient>();
  const add = (recipient: Recipient) => recipients.set(recipient.text, recipient);
  if (existsSync(join(root, MANIFEST_FILE))) {
    const isHere = (agent: string) => [undefined, vault].some((id) => existsSync(agentKeyFile(context, agent, id)));
    const recipientsOf = (state: VaultState) => [
      ...state.owners.map(({ recipient }) => recipient),
      ...state
        .escrowedAgents()
        .filter(isHere)
        .map((agent) => state.agentRecipient(agent)),
    ];
    const { files } = await openVault(context, root, "state", { keys, read: (state) => void recipientsOf(state), quiet: true });
    recipientsOf(files).forEach(add);
  }
  for (const identity of keys.identities) add(parseRecipient(await identity.recipient()));
  const all = [...recipients.values()];
  return all.filter(({ kind }) => kind === all[0]!.kind);
}
