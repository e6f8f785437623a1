import { suggestion, VaultError } from "@agent-vault/vault/read-only";

/** Which vault a `Vault` reads, with which key, and whether it pulls first. */
export interface VaultOptions {
  /**
   * A folder in the git repository that holds the vault (`~` is the home folder); or the repository's URL, `https://`, `ssh://`, `file://`
   * or `user@host:path`, which is then cloned below `~/.agent-vault/cache`. A password in it gets into no message and no file.
   */
  readonly repoPath: string;
  /**
   * The key file to read with. Without it the key is what `AGENT_VAULT_KEY` holds or names, what the program prints that
   * `AGENT_VAULT_KEY_COMMAND` names, an owner's key in `~/.agent-vault`, or the one key in `~/.agent-vault/agents`, in this order.
   */
  readonly keyPath?: string;
  /** The key itself, `AGE-SECRET-KEY-1...`; it takes precedence over `keyPath` and is never written anywhere. */
  readonly keyStr?: string;
  /** A file descriptor whose first line is the passphrase of a protected key; `AGENT_VAULT_ASKPASS` names a program that prints it. */
  readonly passphraseFd?: number;
  /** Whether a read asks the remote first, at most once in the vault's `pull_interval`; `true` unless set. */
  readonly autoPull?: boolean;
}

const NAMES = ["repoPath", "keyPath", "keyStr", "passphraseFd", "autoPull"] as const satisfies readonly (keyof VaultOptions)[];

/**
 * The options as they are promised; a program without types may give anything. An option that is there and `undefined` is an error where it
 * would have named the key: `keyStr: process.env.BOT_KEY` must not read with an owner's key where the variable is not set.
 * @throws VaultError `USAGE`
 */
export function checkOptions(options: unknown): VaultOptions {
  const given = (typeof options === "object" && options !== null ? options : {}) as Readonly<Record<string, unknown>>;
  requireKnown("option", given, NAMES);
  requireText("repoPath", given["repoPath"]);
  const { keyPath, keyStr, passphraseFd, autoPull } = given;
  if ("keyStr" in given) requireText("keyStr", keyStr);
  if (keyPath !== undefined || ("keyPath" in given && keyStr === undefined)) requireText("keyPath", keyPath);
  if (autoPull !== undefined && typeof autoPull !== "boolean") throw wrongOption("autoPull must be true or false");
  if (passphraseFd !== undefined && !(Number.isInteger(passphraseFd) && (passphraseFd as number) >= 0))
    throw wrongOption("passphraseFd must be the number of a file descriptor");
  return given as unknown as VaultOptions;
}

/** @throws VaultError `USAGE` for a name that is not among the known ones */
export function requireKnown(what: string, given: object, names: readonly string[]): void {
  for (const name of Reflect.ownKeys(given)) {
    if (typeof name === "string" && names.includes(name)) continue;
    throw new VaultError("USAGE", `There is no ${what} ${JSON.stringify(String(name))}.`, {
      remedy: `${suggestion(String(name), names)}The ${what}s are ${names.join(", ")}.`,
    });
  }
}

function wrongOption(message: string): VaultError {
  return new VaultError("USAGE", `${message}.`, { remedy: 'For example new Vault({ repoPath: ".", autoPull: false }).' });
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
