import type { Context } from "../context.js";
import { ERROR_CODES, VaultError } from "../errors.js";
import { VaultFiles } from "../files/vault-files.js";
import type { VaultState } from "../files/vault-state.js";
import type { KeyChoice, Keys } from "../keys/find-key.js";
import { identifyPrincipal, type Principal } from "../keys/principal.js";
import { findVaultKeys } from "../keys/vault-keys.js";
import type { Actor } from "../record/recorder.js";
import { withTamperedFileNames } from "../trust/tampered-file-names.js";
import { TrustContext } from "../trust/trust-context.js";
import type { FileSource } from "../format/file-source.js";
import type { TrustedState } from "../trust/verify.js";
import { chooseInstead, chooseState, requireHomeRules } from "./choose-state.js";
import type { ChosenState } from "./open-fetched.js";
import { mayBeHalfWritten, readConsistently } from "./read-consistently.js";

/** How much of a vault is needed. */
export type Need = "files" | "state" | "everything";

/** How a vault is opened. */
export interface OpenRequest<Files extends VaultFiles = VaultFiles> {
  /** The key that was chosen; it may say whose signature to trust. Nobody is asked for a passphrase. */
  readonly key?: KeyChoice | undefined;
  /** The identities, where they were loaded already. */
  readonly keys?: Keys | undefined;
  /**
   * Reads what is about to be used, so that it is of the state that was verified; it may be called twice. What it throws is not thrown
   * here: who uses the files meets it.
   */
  readonly read?: ((files: Files) => void | Promise<void>) | undefined;
  /** Leaves out warnings, where the caller gives them. */
  readonly quiet?: boolean | undefined;
  /** Reads the work tree's files also where a newer state was fetched; not unless set. */
  readonly localOnly?: boolean | undefined;
}

/** A vault that was verified. All that is read of it is of one state, and no file is given out that the owner has not signed. */
export interface OpenedVault<Files extends VaultFiles = VaultFiles> {
  readonly files: Files;
  readonly keys: Keys | undefined;
  /** What was signed, and what this machine knows of it; `undefined` for a vault that was never signed. */
  readonly trusted: TrustedState | undefined;
  /** The files of the vault's main branch, where their state is newer than what is used or another: their rules judge as well. */
  readonly homes: readonly VaultFiles[];
  /** Whether the newest state that is known has a policy. */
  readonly isUnderPolicy: boolean;
  /** Requires that the newest rules that are known are here, where rules judge. @throws VaultError `ROLLBACK` */
  readonly requireRules: () => void;
  /**
   * Remembers the state of a vault that is known, where a use of it was refused and nothing is wrong with its files, such as for an agent that
   * was removed in it.
   */
  readonly rememberRefusal: (error: unknown) => void;
  /** Who the vault knows the keys as; `undefined` where there is no key. */
  readonly principal: () => Promise<Principal | undefined>;
  /** Who acts, for the record; `undefined` where there is no key. */
  readonly actor: Actor | undefined;
  /** Reads some of the files. Where one is not what was signed, the error names it. @throws VaultError `TAMPERED`, and what `look` throws */
  readonly read: <T>(look: (files: Files) => T) => Promise<T>;
}

/**
 * Opens a vault: the one way to its files, for every command, tool and call. It finds the key, verifies the state in the order of
 * `verifyState`, and where another process is half-way through a change, waits for it.
 *
 * What is needed decides how much is read: `files` one by one; `state` the same, with what they mean; `everything` all files, each
 * checked, and the state is remembered as the newest. Otherwise the caller has it remembered, by `trusted.remember()`, once what it
 * used was found right.
 * @param root absolute path of the vault's folder
 * @throws VaultError as `verifyState`; with `everything` also `TAMPERED`, which names the files
 */
export function openVault(context: Context, root: string, need: "files", request?: OpenRequest): Promise<OpenedVault>;
export function openVault(
  context: Context,
  root: string,
  need: "state" | "everything",
  request?: OpenRequest<VaultState>,
): Promise<OpenedVault<VaultState>>;
export async function openVault(
  context: Context,
  root: string,
  need: Need,
  { key, keys = findVaultKeys(context, root, key), read, quiet = false, localOnly = false }: OpenRequest<VaultState> = {},
): Promise<OpenedVault<VaultState>> {
  const trust = new TrustContext(quiet ? { ...context, warn: () => {} } : context, root, keys);
  const attempt = await attempts(trust, need, need === "everything" ? requireAll : read, localOnly);
  const {
    files,
    trusted,
    homes = [],
    missing,
    problem,
  } = await readConsistently(context, root, attempt, (look) => mayBeHalfWritten(look.problem));
  const named = <T>(look: (files: VaultState) => T) => withTamperedFileNames(context, root, () => look(files));
  if (need === "everything") {
    if (problem !== undefined) await named(requireAll);
    trusted?.remember();
  }
  const principal = keys && (() => identify(trust, keys, files, attempt));
  const judging = [files, ...homes];
  const actor = keys && principal && { root, vault: trusted?.lock.vault, keys, judging, principal };
  const requireRules = () => requireHomeRules({ files, trusted, missing });
  const rememberRefusal = (error: unknown) => {
    if (!(error instanceof VaultError) || trusted?.isFirst) return;
    if (error.code === "NOT_AUTHORIZED" || ERROR_CODES[error.code].kind === "refused") trusted?.remember();
  };
  const isUnderPolicy = (trusted?.isUnderPolicy ?? false) || (missing?.policy ?? false);
  return {
    files,
    keys,
    trusted,
    homes,
    isUnderPolicy,
    requireRules,
    rememberRefusal,
    principal: async () => principal?.(),
    actor,
    read: named,
  };
}

/** @throws VaultError `TAMPERED` where any file is not what was signed */
export function requireAll(files: VaultFiles): void {
  files.signed?.requireAll();
}

/** The files as they were once, verified. */
interface Attempt extends ChosenState<VaultState> {
  /** What is wrong with the files that are about to be used. */
  readonly problem?: unknown;
}

async function attempts(
  trust: TrustContext,
  need: Need,
  read: OpenRequest<VaultState>["read"],
  localOnly: boolean,
): Promise<() => Promise<Attempt>> {
  // Reading secrets takes no more than their files, and starts without a YAML parser.
  const Files = need === "files" ? VaultFiles : (await import("../files/vault-state.js")).VaultState;
  const open = (source: string | FileSource) => new Files(source) as VaultState;
  let looks = 0;
  const tried = async (chosen: ChosenState<VaultState>): Promise<Attempt> => {
    try {
      await read?.(chosen.files);
      return chosen;
    } catch (problem) {
      return { ...chosen, problem };
    }
  };
  return async () => {
    const isSecondLook = looks++ > 0;
    const chosen = await tried(chooseState(trust, open, localOnly, isSecondLook));
    if (!isSecondLook || !mayBeHalfWritten(chosen.problem)) return chosen;
    try {
      return await tried(chooseInstead(trust, open, chosen, chosen.problem, localOnly));
    } catch (error) {
      if (error !== chosen.problem) throw error;
      return chosen;
    }
  };
}

/** The files that tell are read only now, and may be of the next state by now: then they are read again, with all checks. */
function identify({ context, root }: TrustContext, keys: Keys, files: VaultFiles, attempt: () => Promise<Attempt>): Promise<Principal> {
  let isFirst = true;
  return readConsistently(context, root, async () => {
    const latest = isFirst ? files : (await attempt()).files;
    isFirst = false;
    return identifyPrincipal(latest, keys);
  });
}
