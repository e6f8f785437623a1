import {
  digestOf,
  identifyPrincipal,
  LOCK_FILE,
  VaultFolder,
  auditSink,
  usesLedger,
  VaultError,
  openVault,
  type Context,
  type Principal,
  type KeyChoice,
  DAY_MS,
} from "@agent-vault/vault/read-only";
import type { CloneStatus, SecretQuery, UpstreamDistance, VaultState, WaitingMerge } from "@agent-vault/vault";
import { openLedger } from "../open-ledger.js";
import { secretSearch } from "./secret-search.js";

/** The state of a vault, and who asks: what a person or an agent wants to know first. */
export interface VaultStatus {
  /** The vault's folder. */
  readonly folder: string;
  /** `undefined` for a vault that nobody has signed. */
  readonly state:
    | {
        readonly vault: string;
        readonly sequence: number;
        readonly signedAt: Date;
        readonly validUntil: Date | undefined;
        /** The owner's name and the fingerprint of the key. */
        readonly signer: string;
        readonly fingerprint: string;
      }
    | undefined;
  /** `undefined` where no key was found. */
  readonly you: (Principal & { readonly source: string }) | undefined;
  readonly secrets: { readonly all: number; readonly yours: number | undefined };
  readonly groups: number;
  readonly agents: number;
  readonly owners: number;
  /** What wants attention. */
  readonly expired: number;
  readonly expiring: number;
  readonly overdue: number;
  readonly upstream: UpstreamDistance | undefined;
  /** `undefined` where the vault is in no repository. */
  readonly clone: CloneStatus | undefined;
  /** What git has merged and no owner has signed; absent where nothing waits. */
  readonly merge: WaitingMerge | undefined;
  /** The command to run next; `undefined` where nothing is to be done. */
  readonly next: string | undefined;
  readonly audit: AuditStatus;
}

/** The audit log of this machine; `why` is a clause without a full stop. */
export type AuditStatus =
  | { readonly on: true; readonly machine: string; readonly rows: number; readonly anchored: number; readonly last: string | undefined }
  | { readonly on: false; readonly why: string };

/**
 * Looks at a vault without changing it or asking its remote. Where files were edited since the last signature, what that vouches for is shown.
 * @param root the vault's folder
 * @throws VaultError as `openVault`, `TAMPERED`, `INVALID_MANIFEST`
 */
export async function vaultStatus(context: Context, root: string, key: KeyChoice = {}): Promise<VaultStatus> {
  const { cloneStatus, fingerprint, lastSignedState, pushCommand, querySecrets, waitingMerge } = await import("@agent-vault/vault");
  const opened = await openVault(context, root, "state", { key, read: (state) => void [state.config, state.manifest, state.owners] });
  const { keys } = opened;
  const committed = isAsSigned(opened.files) ? undefined : await lastSignedState(context, root, keys);
  const state = committed?.state ?? opened.files;
  const trusted = committed?.signed ?? opened.trusted;
  const principal = committed && keys ? await identifyPrincipal(state, keys) : await opened.principal();
  const find = committed ? undefined : await secretSearch({ ...context, warn: () => {} }, root, key);
  const count = async (query: SecretQuery) =>
    (find ? await find({ ...query, limit: 0 }) : querySecrets(state, { ...query, limit: 0 })).total;
  const now = context.now();
  const soon = new Date(now.getTime() + state.config.settings.expiry_warning_days * DAY_MS);
  const [all, expired, expiring, overdue] = await Promise.all([
    count({}),
    count({ expiresBefore: now }),
    count({ expiresBefore: soon }),
    count({ overdueAt: now }),
  ]);
  const yours = principal?.role === "owner" ? all : principal?.role === "agent" ? await count({ agent: principal.name }) : undefined;
  const clone = await cloneStatus(context, root).catch(() => undefined);
  const lock = new VaultFolder(root).read(LOCK_FILE);
  const isOther = clone && (clone.unsigned.length > 0 || (lock && digestOf(lock)) !== opened.trusted?.digest);
  const merge = isOther ? await waitingMerge(context, root, keys) : undefined;
  const push = clone && !clone.upstream ? await pushCommand(context, root).catch(() => undefined) : undefined;
  return {
    folder: root,
    state: trusted && {
      vault: trusted.lock.vault,
      sequence: trusted.lock.sequence,
      signedAt: trusted.lock.signedAt,
      validUntil: trusted.lock.validUntil,
      signer: trusted.lock.owners.find((owner) => owner.key === trusted.signer)?.name ?? "a former owner",
      fingerprint: fingerprint(trusted.signer),
    },
    you: principal && keys && { ...principal, source: keys.source },
    secrets: { all, yours },
    groups: state.manifest.groups.size,
    agents: state.manifest.agents.size,
    owners: state.owners.length,
    expired,
    expiring: expiring - expired,
    overdue,
    upstream: clone?.upstream,
    clone,
    merge,
    next: nextCommand(),
    audit: await auditStatus(),
  };

  function nextCommand(): string | undefined {
    if (merge) return "agent-vault sync";
    if (!trusted || (clone && clone.unsigned.length > 0)) return "agent-vault sign";
    if (clone?.upstream && clone.upstream.ahead + clone.upstream.behind > 0) return "agent-vault sync";
    if (push !== undefined) return push;
    if (expired + expiring + overdue > 0) return "agent-vault check";
    return all === 0 ? "agent-vault set GROUP/NAME" : undefined;
  }

  async function auditStatus(): Promise<AuditStatus> {
    if (!usesLedger(context)) return { on: false, why: `AGENT_VAULT_AUDIT is ${auditSink(context).kind}` };
    if (!keys) return { on: false, why: "there is no key that opens it" };
    try {
      const ledger = await openLedger(context, { root, vault: trusted?.lock.vault, keys });
      const { machine, rows } = await ledger.audit.head();
      const [last] = await ledger.audit.list({ last: 1 });
      return { on: true, machine, rows, anchored: trusted?.lock.audit.get(machine)?.rows ?? 0, last: last?.time };
    } catch (error) {
      if (error instanceof VaultError) return { on: false, why: error.message };
      throw error;
    }
  }
}

/** Whether what says who reads what is as it was signed. */
function isAsSigned(state: VaultState): boolean {
  try {
    return [state.config, state.manifest, state.owners].length > 0;
  } catch (error) {
    if (error instanceof VaultError && error.code === "TAMPERED") return false;
    throw error;
  }
}
