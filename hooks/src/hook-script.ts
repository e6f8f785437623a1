import { shellQuote } from "@agent-vault/vault/read-only";

/** Where a clone's configuration keeps how to start the agent-vault that installed the hook: a command line for the shell. */
export const COMMAND_KEY = "agent-vault.command";

/** The first line of a block begins with this. */
export const BLOCK_BEGIN = "# >>> agent-vault >>>";
/** The last line of a block. */
export const BLOCK_END = "# <<< agent-vault <<<";

/** What a hook does: `pre-commit` checks, and stops what it cannot check; `pre-push` takes a note, and stops nothing. */
export type HookEvent = "pre-commit" | "pre-push";

/**
 * The check, in POSIX sh, for a shell of its own. It fails closed: what cannot be checked is not committed.
 * Nothing in it belongs to one machine, so it can be tracked; git itself is always on the PATH of a hook.
 * @param tracked whether the hook comes with the repository. Only there is the repository's own program used, in the end: a commit
 *   that could change the one could change the other. For the same reason no program that the PATH finds by a relative folder is.
 */
export function scan(tracked: boolean): string[] {
  return [
    ...start(tracked, "scan --staged"),
    'echo "agent-vault was not found, so this commit was not checked for key material. Install agent-vault, then run agent-vault hook install; or skip the check this once: git commit --no-verify" >&2',
    "exit 1",
  ];
}

/**
 * The note of what is pushed, for a shell of its own: without a word, and without a failure.
 * @param tracked as of {@link scan}
 */
export function notePush(tracked: boolean): string[] {
  return ["agent_vault_remote=${1-} agent_vault_url=${2-}", ...start(tracked, 'hook pre-push "$agent_vault_remote" "$agent_vault_url"')];
}

/** Becomes the first agent-vault that is there; goes on where there is none. @param words for it, as the shell reads them */
function start(tracked: boolean, words: string): string[] {
  return [
    `eval "set -- $(git config --get ${COMMAND_KEY})"`,
    `if [ -x "\${1-}" ] && [ -e "\${2-$1}" ]; then exec "$@" ${words}; fi`,
    `case "$(command -v agent-vault)" in /*) exec agent-vault ${words} ;; esac`,
    ...(tracked ? [`if [ -x ${LOCAL_PROGRAM} ]; then exec ${LOCAL_PROGRAM} ${words}; fi`] : []),
  ];
}

const LOCAL_PROGRAM = "node_modules/.bin/agent-vault";

/**
 * The block of a hook script. What comes after it runs when it has passed, with the same standard input.
 * @param tracked as of {@link scan}.
 * @param chained the file beside the hook that is to run next, if any.
 */
export function scriptBlock(event: HookEvent, tracked: boolean, chained?: string): string[] {
  return [
    ...(event === "pre-commit" ? checkLines(tracked) : noteLines(tracked)),
    ...(chained === undefined
      ? []
      : [
          `agent_vault_next="$(dirname "$0")"/${shellQuote(chained)}`,
          'if [ -x "$agent_vault_next" ]; then exec "$agent_vault_next" "$@"; fi',
        ]),
    BLOCK_END,
  ];
}

function checkLines(tracked: boolean): string[] {
  return [
    `${BLOCK_BEGIN} checks what is about to be committed; "agent-vault hook uninstall" removes it`,
    "(",
    ...scan(tracked).map((line) => `  ${line}`),
    ") || exit $?",
  ];
}

/** git tells on standard input what it pushes, and the lines after the block may want to read that too. */
function noteLines(tracked: boolean): string[] {
  return [
    `${BLOCK_BEGIN} notes which states of a vault are pushed; "agent-vault hook uninstall" removes it`,
    'agent_vault_refs="$(cat)"',
    `printf '%s\\n' "$agent_vault_refs" | (`,
    ...notePush(tracked).map((line) => `  ${line}`),
    ") >/dev/null 2>&1 || :",
    "exec <<AGENT_VAULT_REFS",
    "$agent_vault_refs",
    "AGENT_VAULT_REFS",
    '[ -n "$agent_vault_refs" ] || exec </dev/null',
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
