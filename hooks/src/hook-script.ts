import { shellQuote } from "@agent-vault/vault/read-only";

/** Where a clone's configuration keeps how to start the agent-vault that installed the hook: a command line for the shell. */
export const COMMAND_KEY = "agent-vault.command";
/** Where it keeps that the check was installed, so that it can be missed where it no longer runs. */
export const INSTALLED_KEY = "agent-vault.hook";

/** The first line of a block begins with this. */
export const BLOCK_BEGIN = "# >>> agent-vault >>>";
/** The last line of a block. */
export const BLOCK_END = "# <<< agent-vault <<<";

/**
 * What a hook does: `pre-commit` checks, and stops what it cannot check, and so does `pre-merge-commit` for a merge that git commits by itself; `pre-push` takes a note, and stops an owner who pushes a merge of
 * the vault that is not signed; `post-merge` and `post-rewrite` sign such a merge, and stop nothing.
 */
export type HookEvent = "pre-commit" | "pre-merge-commit" | "pre-push" | "post-merge" | "post-rewrite";

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
 * The note of what is pushed, for a shell of its own. It exits with 7 for a push that is to be stopped.
 * @param tracked as of {@link scan}
 */
export function notePush(tracked: boolean): string[] {
  return ["agent_vault_remote=${1-} agent_vault_url=${2-}", ...start(tracked, 'hook pre-push "$agent_vault_remote" "$agent_vault_url"')];
}

/**
 * Signs a merge of the vault that git has made, for a shell of its own. Most merges change no vault on both sides, and start nothing.
 * @param tracked as of {@link scan}
 */
export function finishMerge(event: "post-merge" | "post-rewrite", tracked: boolean): string[] {
  return ['[ -e "$(git rev-parse --git-path agent-vault/unfinished-merge.json)" ] || exit 0', ...start(tracked, `hook ${event}`)];
}

/**
 * How git starts the merge driver, as a line for the shell in which git replaces `%O` and the like. It fails where there is no program:
 * git then leaves a conflict, and our side in the file.
 */
export function mergeDriver(): string {
  const missing =
    "agent-vault was not found, so git could not join the vault. Install agent-vault, then run agent-vault hook install; or give the merge up: git merge --abort";
  const kept = KEPT_AS_OURS.flatMap((ending) => [`.agent-vault/*${ending}`, `*/.agent-vault/*${ending}`]).join("|");
  return [`case %P in (${kept}) exit 0 ;; esac`, ...start(false, "merge-driver %O %A %B %P"), `echo "${missing}" >&2`, "exit 1"].join("; ");
}

/** Of files with these endings the driver keeps ours; there may be many, and each start of a program takes its time. */
const KEPT_AS_OURS = [".enc", ".escrow", ".sig", ".pub", "/public.key"];

/** Becomes the first agent-vault that is there; goes on where there is none. @param words for it, as the shell reads them */
function start(tracked: boolean, words: string): string[] {
  return [
    // The clone's own file alone: `git -c` and the environment would turn the check off.
    `eval "set -- $(git config --local --get ${COMMAND_KEY})"`,
    `if [ -x "\${1-}" ] && [ -e "\${2-$1}" ]; then exec "$@" ${words}; fi`,
    `case "$(command -v agent-vault)" in (/*) exec agent-vault ${words} ;; esac`,
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
    ...linesOf(event, tracked),
    ...(chained === undefined
      ? []
      : [
          `agent_vault_next="$(dirname "$0")"/${shellQuote(chained)}`,
          'if [ -x "$agent_vault_next" ]; then exec "$agent_vault_next" "$@"; fi',
        ]),
    BLOCK_END,
  ];
}

function linesOf(event: HookEvent, tracked: boolean): string[] {
  if (event === "pre-commit" || event === "pre-merge-commit") return checkLines(tracked);
  return event === "pre-push" ? noteLines(tracked) : finishLines(event, tracked);
}

function finishLines(event: "post-merge" | "post-rewrite", tracked: boolean): string[] {
  return [
    `${BLOCK_BEGIN} signs a merge of a vault that git has made; "agent-vault hook uninstall" removes it`,
    "(",
    ...finishMerge(event, tracked).map((line) => `  ${line}`),
    ") </dev/null || :",
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

/**
 * Runs the note in a shell that is to go on: it is without a word, and without a failure but for a push that is stopped.
 * @param input gives what git tells the hook
 */
export function noteOrStop(note: string, input = ""): string {
  return `agent_vault_said="$( ${input}(${note}) 2>/dev/null)" || [ $? -ne 7 ] || { printf '%s\\n' "$agent_vault_said" >&2; exit 1; }`;
}

/** git tells on standard input what it pushes, and the lines after the block may want to read that too. */
function noteLines(tracked: boolean): string[] {
  return [
    `${BLOCK_BEGIN} notes which states of a vault are pushed, and checks them; "agent-vault hook uninstall" removes it`,
    'agent_vault_refs="$(cat)"',
    noteOrStop(
      `\n${notePush(tracked)
        .map((line) => `  ${line}\n`)
        .join("")}`,
      `printf '%s\\n' "$agent_vault_refs" | `,
    ),
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
