import { shellQuote } from "@agent-vault/vault/read-only";

/** Where a clone's configuration keeps how to start the agent-vault that installed the hook: a command line for the shell. */
export const COMMAND_KEY = "agent-vault.command";

/** The first line of a block begins with this. */
export const BLOCK_BEGIN = "# >>> agent-vault >>>";
/** The last line of a block. */
export const BLOCK_END = "# <<< agent-vault <<<";

/**
 * The check, in POSIX sh, for a shell of its own. It fails closed: what cannot be checked is not committed.
 * Nothing in it belongs to one machine, so it can be tracked; git itself is always on the PATH of a hook.
 * @param tracked whether the hook comes with the repository. Only there is the repository's own program used, in the end: a commit
 *   that could change the one could change the other. For the same reason no program that the PATH finds by a relative folder is.
 */
export function scan(tracked: boolean): string[] {
  return [
    `eval "set -- $(git config --get ${COMMAND_KEY})"`,
    'if [ -x "${1-}" ] && [ -e "${2-$1}" ]; then exec "$@" scan --staged; fi',
    'case "$(command -v agent-vault)" in /*) exec agent-vault scan --staged ;; esac',
    ...(tracked ? [`if [ -x ${LOCAL_PROGRAM} ]; then exec ${LOCAL_PROGRAM} scan --staged; fi`] : []),
    'echo "agent-vault was not found, so this commit was not checked for key material. Install agent-vault, then run agent-vault hook install; or skip the check this once: git commit --no-verify" >&2',
    "exit 1",
  ];
}

const LOCAL_PROGRAM = "node_modules/.bin/agent-vault";

/**
 * The block of a hook script. What comes after it runs when the check has passed.
 * @param tracked as of {@link scan}.
 * @param chained the file beside the hook that is to run next, if any.
 */
export function scriptBlock(tracked: boolean, chained?: string): string[] {
  return [
    `${BLOCK_BEGIN} checks what is about to be committed; "agent-vault hook uninstall" removes it`,
    "(",
    ...scan(tracked).map((line) => `  ${line}`),
    ") || exit $?",
    ...(chained === undefined
      ? []
      : [
          `agent_vault_next="$(dirname "$0")"/${shellQuote(chained)}`,
          'if [ -x "$agent_vault_next" ]; then exec "$agent_vault_next" "$@"; fi',
        ]),
    BLOCK_END,
  ];
}

const SHELLS = new Set(["sh", "bash", "dash", "ash", "ksh", "mksh", "zsh"]);

/** Whether a block can be put into a hook: a shell runs it from its first line to its last. */
export function isShellScript(text: string): boolean {
  if (text.includes("\0")) return false;
  // A script that gives itself to another interpreter (`exec python "$0"`) is not the shell's to the end.
  if (/\bexec\b[^\n]*\$\{?0/.test(text)) return false;
  const shebang = /^#![ \t]*([^\r\n]*)/.exec(text)?.[1];
  if (shebang === undefined) return true;
  const [program = "", ...words] = shebang.split(/[ \t]+/);
  const name = baseName(program);
  const interpreter = name === "env" ? baseName(words.find((word) => !word.startsWith("-") && !word.includes("=")) ?? "") : name;
  return SHELLS.has(interpreter);
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
