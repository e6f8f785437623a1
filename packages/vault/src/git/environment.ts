import type { Context } from "../context.js";

/** An environment variable that tells git which repository to use; a hook sets some, and they are not meant for us. */
const REPOSITORY_VARIABLES = new Set(
  "GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_DIR GIT_WORK_TREE GIT_OBJECT_DIRECTORY GIT_INDEX_FILE GIT_GRAFT_FILE GIT_PREFIX GIT_SHALLOW_FILE GIT_COMMON_DIR GIT_NAMESPACE GIT_QUARANTINE_PATH GIT_LITERAL_PATHSPECS GIT_GLOB_PATHSPECS GIT_NOGLOB_PATHSPECS GIT_ICASE_PATHSPECS".split(
    " ",
  ),
);

/** What git has no use for: programs it must not start here, and a key that no child of ours may see. */
const WITHHELD_VARIABLES = new Set(["EDITOR", "PAGER", "AGENT_VAULT_KEY"]);

/** A folder of the work tree that looks like a bare repository may have been pushed, with a configuration that runs programs. */
export const OWN_CONFIGURATION = "safe.bareRepository=explicit";

/** The environment that git gets. */
export function environment(context: Context, extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const variables = { ...context.env, ...extra, LC_ALL: "C", GIT_TERMINAL_PROMPT: context.env["GIT_TERMINAL_PROMPT"] ?? "0" };
  return Object.fromEntries(
    Object.entries(variables).filter(
      ([name, value]) => value !== undefined && !WITHHELD_VARIABLES.has(name) && (!REPOSITORY_VARIABLES.has(name) || name in extra),
    ),
  );
}
