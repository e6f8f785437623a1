import {
  openLedger,
  requesterOf,
  type LeaseRecord,
  type Ledger,
  type Requester,
  type SessionRecord,
  type TokenRoot,
} from "@agent-vault/ledger";
import {
  actorOf,
  formatSecretPath,
  isAuditOff,
  isProcessAlive,
  loadKeys,
  parseSecretPath,
  VaultError,
  VaultFiles,
  vaultIdIn,
  VaultTrust,
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

export interface MintRequest extends Omit<Restrictions, "until"> {
  /** How long it holds, in milliseconds: what is left of the session, else {@link DEFAULT_TTL}. */
  readonly ttl?: number | undefined;
  readonly note?: string | undefined;
}

export interface SessionRequest {
  /** How long it lasts, in milliseconds; {@link DEFAULT_TTL} unless given. */
  readonly ttl?: number | undefined;
  readonly name?: string | undefined;
  /** The process that it ends with. */
  readonly parent?: number | undefined;
}

export interface MintedToken {
  /** What is presented. It is nowhere else. */
  readonly token: string;
  readonly id: string;
  readonly caveats: readonly string[];
  readonly expires: Date;
}

/** A working day, in milliseconds. */
export const DEFAULT_TTL = 8 * HOUR_MS;
const MAX_TTL = 366 * DAY_MS;

/**
 * @param root the vault's folder
 * @param what is to be done, in words for a message: `mint a token`; `undefined` for what a token's holder may do, too
 * @throws VaultError `TOKEN_DENIED` where a token is presented, which allows no such thing; `LEDGER_UNAVAILABLE` without a ledger;
 *   the codes of `loadKeys`, `VaultTrust` and `Ledger.open`
 */
export async function openAuthority(context: Context, root: string, key: KeyChoice, what: string | undefined): Promise<Authority> {
  if (what !== undefined) refuseUnderToken(context, what);
  if (isAuditOff(context.env)) {
    throw new VaultError(
      "LEDGER_UNAVAILABLE",
      "Tokens, sessions and leases are kept in the ledger, and AGENT_VAULT_AUDIT=off does without it.",
      {
        remedy: "Unset AGENT_VAULT_AUDIT and run the command again.",
      },
    );
  }
  const files = new VaultFiles(root);
  const id = vaultIdIn(files.source);
  const keys = await loadKeys(context, { ...key, vaultId: () => id });
  const trusted = await new VaultTrust(context, root, keys).verify(files);
  const actor = actorOf(files, keys, trusted?.lock.vault);
  const ledger = await openLedger(context, actor);
  trusted?.remember();
  return { ledger, requester: await requesterOf(context, actor), files };
}

/**
 * Mints a token for this vault. In a session it ends with it.
 * @throws VaultError `USAGE` for a time or number that is none, `INVALID_VALUE`, `SESSION_NOT_FOUND`, and what the ledger throws
 */
export async function mint(context: Context, { ledger, requester }: Authority, request: MintRequest): Promise<MintedToken> {
  const { ttl, note, ...restrictions } = request;
  const { session, expires } = await termOf(context, ledger, ttl);
  const caveats = caveatsOf({ ...restrictions, until: expires });
  const { id, root } = await ledger.tokens.mint({ caveats, expires, note, session: session?.id }, requester);
  return minted(ledger, root, id, caveats, expires);
}

/**
 * Leases a secret: puts down that it is used until a time, and gives a token for just that.
 * @param secret as secrets are shown
 * @throws VaultError as {@link mint}, `SECRET_NOT_FOUND`
 */
export async function lease(
  context: Context,
  { ledger, requester, files }: Authority,
  secret: string,
  ttl?: number,
): Promise<MintedToken & { readonly lease: LeaseRecord }> {
  const path = parseSecretPath(secret);
  files.ciphertext(path);
  const { session, expires } = await termOf(context, ledger, ttl);
  const shown = formatSecretPath(path);
  const caveats = caveatsOf({ secret: [path], until: expires });
  const { lease, root } = await ledger.leases.take(shown, { caveats, expires, session: session?.id, note: `lease of ${shown}` }, requester);
  return { ...minted(ledger, root, lease.token, caveats, expires), lease };
}

/**
 * Starts a session, in which approvals of that scope hold and which tokens end with.
 * @throws VaultError `USAGE` where the process that it is to end with does not run, `INVALID_VALUE`, and what the ledger throws
 */
export async function startSession(context: Context, { ledger, requester }: Authority, request: SessionRequest): Promise<SessionRecord> {
  const { ttl = DEFAULT_TTL, name, parent } = request;
  if (parent !== undefined && !isProcessAlive(parent)) {
    throw new VaultError("USAGE", `There is no process ${parent} that the session could end with.`, {
      remedy: "Name the shell's: --parent $$.",
    });
  }
  return ledger.sessions.start({ expires: endOf(context.now(), ttl), name, parent }, requester);
}

/** @throws VaultError `INVALID_VALUE` for a time that is none */
export function endOf(now: Date, ttl: number): Date {
  if (ttl > 0 && ttl <= MAX_TTL) return new Date(now.getTime() + ttl);
  throw new VaultError("INVALID_VALUE", "A token, session or lease holds for up to a year.", { remedy: "Give less: --ttl 8h." });
}

/** How long something holds that is given out now: never longer than the session. */
async function termOf(
  context: Context,
  ledger: Ledger,
  ttl: number | undefined,
): Promise<{ readonly session: SessionRecord | undefined; readonly expires: Date }> {
  const session = await currentSession(context, ledger.sessions);
  const asked = ttl === undefined && session ? session.expires : endOf(context.now(), ttl ?? DEFAULT_TTL);
  return { session, expires: session && session.expires < asked ? session.expires : asked };
}

function minted({ tokens }: Ledger, root: TokenRoot, id: string, caveats: readonly string[], expires: Date): MintedToken {
  return { token: signToken({ vault: tokens.vault, root: root.id, id }, root.key, caveats), id, caveats, expires };
}
