import { VaultError } from "@agent-vault/vault/read-only";

/** Which vault a `Vault` reads, with which key, and whether it pulls first. */
export interface VaultOptions {
  /**
   * A folder in the git repository that holds the vault (`~` is the home folder); or the repository's URL, `https://`, `ssh://`, `file://`
   * or `user@host:path`, which is then cloned below `~/.agent-vault/cache`. A password in it gets into no message and no file.
   */
  readonly repoPath: string;
  /** The key file to read with; without it `AGENT_VAULT_KEY` and `~/.agent-vault/owner.key` are looked at. */
  readonly keyPath?: string;
  /** The key itself, `AGE-SECRET-KEY-1...`; it takes precedence over `keyPath` and is never written anywhere. */
  readonly keyStr?: string;
  /** Whether a read asks the remote first, at most once in the vault's `pull_interval`; `true` unless set. */
  readonly autoPull?: boolean;
}

/** The options as they are promised; a program without types may give anything. @throws VaultError `USAGE` */
export function checkOptions(options: unknown): VaultOptions {
  const given = (typeof options === "object" && options !== null ? options : {}) as Readonly<Record<string, unknown>>;
  requireText("repoPath", given["repoPath"]);
  for (const name of ["keyPath", "keyStr"]) if (given[name] !== undefined) requireText(name, given[name]);
  return given as unknown as VaultOptions;
}

/** @throws VaultError `USAGE` */
export function requireText(what: string, value: unknown): asserts value is string {
  if (typeof value === "string" && value !== "") return;
  throw new VaultError("USAGE", `${what} must be a string that is not empty.`, {
    remedy: 'For example new Vault({ repoPath: "." }).get("group/name").',
  });
}

/** @throws VaultError `USAGE` */
export function requirePaths(paths: unknown): asserts paths is readonly string[] {
  if (!Array.isArray(paths)) {
    throw new VaultError("USAGE", "The paths of secrets must be an array.", { remedy: 'For example ["group/name", "group/other"].' });
  }
  for (const path of paths) requireText("The path of a secret", path);
}
