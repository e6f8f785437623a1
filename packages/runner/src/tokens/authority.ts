import { openLedger, requesterOf, type Lease, type Ledger, type Requester, type Session, type TokenRoot } from "@agent-vault/ledger";
import {
  formatSecretPath,
  isProcessAlive,
  loadVaultKeys,
  openVault,
  parseSecretPath,
  POLICY_FILE,
  secretFile,
  usesLedger,
  VaultError,
  type VaultFiles,
  type Context,
  type KeyChoice,
  DAY_MS,
  HOUR_MS,
} from "@agent-vault/vault/read-only";
import { caveatsOf, type Restrictions } from "./caveats.js";
import { currentSession } from "./sessions.js";
import { signToken } from "./token.js";
import { refuseUnderToken } from "./refuse-under-token.js";

/** What it takes to give out tokens, sessions and leases of a vault on this machine: a key of the vault, and no token. */
export interface Authority {
  readonly ledger: Ledger;
  readonly requester: Requester;
  /** The vault's files, verified. */
  readonly files: VaultFiles;
}

/** A token to mint. */
export interface MintRequest extends Omit<Restrictions, "until"> {
  /** How long it is valid: what is left of the session, else {@link DEFAULT_TTL_MS}. */
  readonly ttlMs?: number | undefined;
  readonly note?: string | undefined;
}

/** A session to start. */
export interface SessionRequest {
  /** How long it lasts; {@link DEFAULT_TTL_MS} unless given. */
  readonly ttlMs?: number | undefined;
  readonly name?: string | undefined;
  /** The process that it ends with. */
  readonly parent?: number | undefined;
}

/** A token that was minted. */
export interface MintedToken {
  /** What is presented. It is nowhere else. */
  readonly token: string;
  readonly id: string;
  readonly caveats: readonly string[];
  readonly expires: Date;
}

/** A working day. */
export const DEFAULT_TTL_MS = 8 * HOUR_MS;
const MAX_TTL_MS = 366 * DAY_MS;

/**
 * @param root the vault's folder
 * Opens the ledger for tokens, sessions and leases, with a key of the vault.
 * @param what is to be done, as it follows "Tokens cannot": `mint a token`; `undefined` for what a token allows too
 * @param secret what is about to be leased
 * @throws VaultError `TOKEN_DENIED` where a token is presented, which does not allow it; `LEDGER_UNAVAILABLE` without a ledger;
 *   the codes of `loadVaultKeys`, `openVault` and `Ledger.open`
 */
export async function openAuthority(
  context: Context,
  root: string,
  key: KeyChoice,
  what: string | undefined,
  secret?: string,
): Promise<Authority> {
  const needed = secret === undefined ? [] : [secretFile(parseSecretPath(secret))];
  if (what !== undefined) refuseUnderToken(context, what);
  if (!usesLedger(context)) {
    throw new VaultError(
      "LEDGER_UNAVAILABLE",
      "Tokens, sessions and leases are kept in the ledger, and AGENT_VAULT_AUDIT names another place for the audit log.",
      {
        remedy: "Unset AGENT_VAULT_AUDIT and run the command again.",
      },
    );
  }
  const keys = await loadVaultKeys(context, root, key);
  const read = (files: VaultFiles) => [POLICY_FILE, ...needed].forEach((file) => files.read(file));
  const { files, actor, trusted } = await openVault(context, root, "files", { keys, read });
  const ledger = await openLedger(context, actor!);
  trusted?.remember();
  return { ledger, requester: await requesterOf(context, actor!), files };
}

/**
 * Mints a token for this vault. In a session it ends with it.
 * @throws VaultError `TAMPERED` where the policy is not what was signed, `USAGE` for an invalid time or number, `INVALID_VALUE`,
 *   `SESSION_NOT_FOUND`, and what the ledger throws
 */
export async function mint(context: Context, { ledger, requester, files }: Authority, request: MintRequest): Promise<MintedToken> {
  requirePolicyAsSigned(files);
  const { ttlMs, note, ...restrictions } = request;
  const { session, expires } = await termOf(context, ledger, ttlMs);
  const caveats = caveatsOf({ ...restrictions, until: expires });
  const { id, root } = await ledger.tokens.mint({ caveats, expires, note, session: session?.id }, requester);
  return minted(ledger, root, id, caveats, expires);
}

/**
 * Leases a secret: notes in the ledger that it is in use until a time, and mints a token for just that.
 * @param secret as secrets are shown
 * @throws VaultError as {@link mint}, `SECRET_NOT_FOUND`
 */
export async function lease(
  context: Context,
  { ledger, requester, files }: Authority,
  secret: string,
  ttlMs?: number,
): Promise<MintedToken & { readonly lease: Lease }> {
  const path = parseSecretPath(secret);
  requirePolicyAsSigned(files);
  files.ciphertext(path);
  const { session, expires } = await termOf(context, ledger, ttlMs);
  const shown = formatSecretPath(path);
  const caveats = caveatsOf({ secret: [path], until: expires });
  const { lease, root } = await ledger.leases.take(shown, { caveats, expires, session: session?.id, note: `lease of ${shown}` }, requester);
  return { ...minted(ledger, root, lease.token, caveats, expires), lease };
}

/**
 * Starts a session, for which approvals of that scope and tokens that are minted in it are valid.
 * @throws VaultError `TAMPERED` as {@link mint}, `USAGE` where the process that it is to end with does not run, `INVALID_VALUE`, and what the ledger throws
 */
export async function startSession(context: Context, { ledger, requester, files }: Authority, request: SessionRequest): Promise<Session> {
  requirePolicyAsSigned(files);
  const { ttlMs = DEFAULT_TTL_MS, name, parent } = request;
  if (parent !== undefined && !isProcessAlive(parent)) {
    throw new VaultError("USAGE", `There is no process ${parent} for the session to end with.`, {
      remedy: "Name that of the shell: --parent $$.",
    });
  }
  return ledger.sessions.start({ expires: expiryAfter(context.now(), ttlMs), name, parent }, requester);
}

/** When something expires that is valid from now on. @throws VaultError `INVALID_VALUE` for none, or more than a year */
export function expiryAfter(now: Date, ttlMs: number): Date {
  if (ttlMs > 0 && ttlMs <= MAX_TTL_MS) return new Date(now.getTime() + ttlMs);
  throw new VaultError("INVALID_VALUE", "A token, session or lease is valid for up to a year.", {
    remedy: "Use a shorter time, such as --ttl 8h.",
  });
}

/** What is given out now is not used under this policy, so it is not given out either. @throws VaultError `TAMPERED`, `LINK_IN_VAULT` */
function requirePolicyAsSigned(files: VaultFiles): void {
  files.read(POLICY_FILE);
}

/** Until when a new token or lease is valid: never longer than the session. */
async function termOf(
  context: Context,
  ledger: Ledger,
  ttlMs: number | undefined,
): Promise<{ readonly session: Session | undefined; readonly expires: Date }> {
  const session = await currentSession(context, ledger.sessions);
  const asked = ttlMs === undefined && session ? session.expires : expiryAfter(context.now(), ttlMs ?? DEFAULT_TTL_MS);
  return { session, expires: session && session.expires < asked ? session.expires : asked };
}

function minted({ tokens }: Ledger, root: TokenRoot, id: string, caveats: readonly string[], expires: Date): MintedToken {
  return { token: signToken({ vault: tokens.vault, root: root.id, id }, root.key, caveats), id, caveats, expires };
}
