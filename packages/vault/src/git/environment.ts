import type { Context } from "../context.js";

/** Variables that tell git which repository and index to use. git sets some for a hook, and they are about the hook's repository. */
const REPOSITORY_VARIABLES = new Set([
  "GIT_ALTERNATE_OBJECT_DIRECTORIES",
  "GIT_COMMON_DIR",
  "GIT_DIR",
  "GIT_GRAFT_FILE",
  "GIT_IMPLICIT_WORK_TREE",
  "GIT_INDEX_FILE",
  "GIT_NAMESPACE",
  "GIT_OBJECT_DIRECTORY",
  "GIT_PREFIX",
  "GIT_QUARANTINE_PATH",
  "GIT_SHALLOW_FILE",
  "GIT_WORK_TREE",
]);

/** Variables that give paths on git's command line another meaning, and programs that git must not start here. */
const WITHHELD_VARIABLES = new Set([
  "EDITOR",
  "GIT_GLOB_PATHSPECS",
  "GIT_ICASE_PATHSPECS",
  "GIT_LITERAL_PATHSPECS",
  "GIT_NOGLOB_PATHSPECS",
  "PAGER",
]);

/** A folder of the work tree that looks like a bare repository may have been pushed, with a configuration that runs programs. */
export const SAFE_CONFIGURATION = "safe.bareRepository=explicit";

/** Runs no hook: one may be a file of a commit that was just fetched. */
export const NO_HOOKS = ["-c", "core.hooksPath=/dev/null"] as const;

/** What git's environment holds besides the variables that it always gets. */
export interface EnvironmentOptions {
  /** Variables on top, also of those that are withheld otherwise. */
  readonly extra?: Readonly<Record<string, string>>;
  /** Keeps what git tells a hook of its repository, so that the hook sees the index that is about to be committed. */
  readonly inHook?: boolean;
}

/**
 * The environment of every git that is started. git starts programs that a repository or its configuration names, such as filters, hooks,
 * a file system monitor and credential helpers, so it gets none of agent-vault's variables, which hold keys and tokens. It writes in
 * English, as errors.ts recognizes some messages, and asks nobody for a password unless the person says so (`GIT_TERMINAL_PROMPT`).
 */
export function gitEnvironment(env: Context["env"], { extra = {}, inHook = false }: EnvironmentOptions = {}): Record<string, string> {
  const kept = Object.entries(env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined &&
      // Windows does not tell upper from lower case.
      !/^AGENT_VAULT_/i.test(entry[0]) &&
      !WITHHELD_VARIABLES.has(entry[0]) &&
      (inHook || !REPOSITORY_VARIABLES.has(entry[0])),
  );
  return { GIT_TERMINAL_PROMPT: "0", ...withBoundedCount({ ...Object.fromEntries(kept), ...extra }), LC_ALL: "C" };
}

/**
 * simple-git looks for as many settings as are announced, however many that are. git itself ends at the first that is missing, and does
 * so with one too many as well.
 */
function withBoundedCount(env: Record<string, string>): Record<string, string> {
  const announced = env["GIT_CONFIG_COUNT"];
  if (announced === undefined) return env;
  let present = 0;
  while (env[`GIT_CONFIG_KEY_${present}`] !== undefined) present++;
  const isTooMany = Math.max(Number(announced) || 0, Number.parseInt(announced, 10) || 0) > present;
  return isTooMany ? { ...env, GIT_CONFIG_COUNT: String(present + 1) } : env;
}
