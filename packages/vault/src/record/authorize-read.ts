import type { Context } from "../context.js";
import { detectHarness } from "../harness.js";
import { POLICY_FILE } from "../format/layout.js";
import type { SecretPath } from "../format/names.js";
import type { Actor, RecordedEvent } from "./recorder.js";
import type { VaultFiles } from "../files/vault-files.js";

/** A read of secrets, one or several at once, that was found to be of what the owner signed, before anything is decrypted. */
export interface ReadRequest {
  readonly files: VaultFiles;
  /** The files of the vault's main branch, where its rules judge beside those of the files. */
  readonly homes?: readonly VaultFiles[] | undefined;
  readonly actor: Actor;
  readonly paths: readonly SecretPath[];
}

/**
 * Decides over a read where a token, a policy or a coding agent is in play.
 * @returns what is to stand in the record beside the read
 * @throws VaultError then nothing is decrypted
 */
export type ReadAuthorizer = (context: Context, read: ReadRequest) => Promise<Pick<RecordedEvent, "identity" | "request" | "reason">>;

/** Whether more decides over a read than the key. @param judging files whose policy judges, verified, where they are signed */
export function needsAuthorization({ env }: Pick<Context, "env">, judging: readonly VaultFiles[], token?: string): boolean {
  const hasPolicy = judging.some((files) => files.read(POLICY_FILE) !== undefined);
  return presentedToken({ env }, token) !== undefined || detectHarness(env) !== undefined || hasPolicy;
}

/**
 * The token that was presented: by `--token`, else by `AGENT_VAULT_TOKEN`. Where there is one, it is the only authority.
 * @returns `undefined` for none. An empty one is a token, and an invalid one: it is what a failed `$(agent-vault token mint …)` leaves,
 *   and must not open more than the token would have
 */
export function presentedToken({ env }: Pick<Context, "env">, flag?: string): string | undefined {
  return flag ?? env["AGENT_VAULT_TOKEN"];
}
