import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { homeOf, isSystemError, suggestion, VaultError, type Context, decodeUtf8File } from "@agent-vault/vault/read-only";
import type { Profile } from "./profile.js";

const MAX_FILE_BYTES = 1024 * 1024;

/** Where a person's profiles are: `$XDG_CONFIG_HOME/agent-vault/profiles.toml`, `~/.config` unless that is set. */
export function profilesFile({ env }: Pick<Context, "env">): string {
  return join(env["XDG_CONFIG_HOME"] || join(homeOf(env), ".config"), "agent-vault", "profiles.toml");
}

/**
 * A person's profiles by name; none where there is no file. What decides which secrets a command gets must be the person's own: a file
 * that others can write is refused, as ssh refuses its own. A link is followed, as programs that keep such files make links.
 * @throws VaultError `INVALID_PROFILE`
 */
export async function readProfiles(context: Context): Promise<ReadonlyMap<string, Profile>> {
  const file = profilesFile(context);
  const text = readOwnFile(file);
  if (text === undefined) return new Map();
  const { parseProfiles } = await import("./parse-profiles.js");
  return parseProfiles(text, file);
}

/** One profile. @throws VaultError `PROFILE_NOT_FOUND` with the nearest name, `INVALID_PROFILE` */
export async function readProfile(context: Context, name: string): Promise<Profile> {
  const profiles = await readProfiles(context);
  const profile = profiles.get(name);
  if (profile) return profile;
  throw new VaultError("PROFILE_NOT_FOUND", `There is no profile ${name} in ${profilesFile(context)}.`, {
    remedy: `${suggestion(name, profiles.keys())}agent-vault profile list shows them all.`,
  });
}

function readOwnFile(file: string): string | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    if (isSystemError(error, "ENOENT", "ENOTDIR")) return undefined;
    throw unreadable(file, error);
  }
  try {
    const { mode, uid, size } = fstatSync(descriptor);
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) throw refused(file, "is not a regular file", "Put a file in its place.");
    const self = process.getuid?.();
    if (self !== undefined && uid !== self && uid !== 0)
      throw refused(file, "belongs to another user", `Make it yours: chown $USER ${file}`);
    if (self !== undefined && (mode & 0o022) !== 0) throw refused(file, "can be changed by other users", `Run chmod go-w ${file}`);
    if (size > MAX_FILE_BYTES) throw refused(file, "is larger than 1 MiB", "Keep profiles alone in it.");
    const text = decodeUtf8File(readFileSync(descriptor));
    if (text === undefined) throw refused(file, "is not UTF-8 text", "Save it as UTF-8.");
    return text;
  } catch (error) {
    throw isSystemError(error) ? unreadable(file, error) : error;
  } finally {
    closeSync(descriptor);
  }
}

function refused(file: string, problem: string, remedy: string): VaultError {
  return new VaultError("INVALID_PROFILE", `${file} ${problem}.`, { remedy });
}

function unreadable(file: string, error: unknown): VaultError {
  const code = isSystemError(error) ? error.code : "unknown";
  return new VaultError("INVALID_PROFILE", `${file} could not be read (${code}).`, { remedy: "Check its permissions.", cause: error });
}
