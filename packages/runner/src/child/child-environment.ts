import process from "node:process";
import { detectHarness, VaultError, type Context } from "@agent-vault/vault/read-only";

/** What programs need, and nothing that tends to hold a secret. Names of Windows last. */
const HARMLESS =
  /^(?:PATH|HOME|USER|LOGNAME|SHELL|TERM|COLORTERM|COLUMNS|LINES|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|PWD|NO_COLOR|FORCE_COLOR|CI|PATHEXT|SYSTEMROOT|SYSTEMDRIVE|WINDIR|COMSPEC|TEMP|TMP|USERNAME|USERPROFILE|HOMEDRIVE|HOMEPATH|APPDATA|LOCALAPPDATA|PROGRAMDATA|PROGRAMFILES(?:\(X86\))?|PROCESSOR_ARCHITECTURE|NUMBER_OF_PROCESSORS)$/;
const OURS = /^AGENT_VAULT_/i;

/**
 * The variables of a short list that every program may have: where programs lie, who the user is, the terminal, the language, the time zone. The
 * coding agent that seems to be at work stays seen, in `AI_AGENT`: otherwise agent-vault would take what the program asks of it for a person's.
 */
export function cleanEnvironment(env: Context["env"], platform: NodeJS.Platform = process.platform): Record<string, string> {
  const harness = detectHarness(env);
  const clean = only(env, (name) => HARMLESS.test(platform === "win32" ? name.toUpperCase() : name));
  return harness === undefined ? clean : { ...clean, AI_AGENT: harness };
}

/**
 * The environment of a child: what is there (of it a short list where `clean`), and the secrets, which win. Of agent-vault's own variables none that is there
 * is in it: a key, a passphrase or a token is nothing for a child.
 * @throws VaultError `INVALID_VALUE` for a value with a NUL byte, which no environment can hold
 */
export function childEnvironment(
  env: Context["env"],
  secrets: Readonly<Record<string, string>>,
  options: { clean?: boolean | undefined } = {},
): Record<string, string> {
  const broken = Object.keys(secrets).find((name) => secrets[name]!.includes("\0"));
  if (broken !== undefined) {
    throw new VaultError("INVALID_VALUE", `The value for ${broken} contains a NUL byte, which environment variables cannot.`, {
      remedy: `Hand it over as a file: --file ${broken}=PATH.`,
    });
  }
  const base = options.clean ? cleanEnvironment(env) : only(env, () => true);
  return { ...base, ...secrets };
}

function only(env: Context["env"], isWanted: (name: string) => boolean): Record<string, string> {
  const wanted = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !OURS.test(entry[0]) && isWanted(entry[0]),
  );
  return Object.fromEntries(wanted);
}
