import type { Context } from "./context.js";

/** What each coding agent sets in the environment of the commands that it runs. */
const SIGNS: readonly (readonly [harness: string, isAtWork: (env: Context["env"]) => unknown])[] = [
  ["claude-code", (env) => env["CLAUDECODE"] || env["CLAUDE_CODE_ENTRYPOINT"]],
  ["codex", (env) => env["CODEX_SANDBOX"] || env["CODEX_SANDBOX_NETWORK_DISABLED"] || env["CODEX_THREAD_ID"] || env["CODEX_CI"]],
  ["cursor", (env) => env["CURSOR_AGENT"] || env["CURSOR_TRACE_ID"]],
  ["copilot", (env) => env["COPILOT_CLI"] || env["COPILOT_AGENT"] || env["GITHUB_COPILOT_CLI"]],
  ["gemini", (env) => env["GEMINI_CLI"]],
  ["opencode", (env) => env["OPENCODE"] || env["OPENCODE_CLIENT"]],
  ["aider", (env) => Object.keys(env).some((name) => name.startsWith("AIDER_")) || undefined],
  ["continue", (env) => env["CONTINUE_CLI"] || env["CONTINUE_GLOBAL_DIR"]],
  ["windsurf", (env) => env["WINDSURF_CASCADE"] || env["WINDSURF_AGENT"] || env["WINDSURF_SESSION_ID"]],
];

/** The coding agents that are known by name. */
export const HARNESSES: readonly string[] = SIGNS.map(([harness]) => harness);

/** The coding agent that this was started by, as far as its environment says: a hint, since a parent process chooses the environment. */
export function detectHarness(env: Context["env"]): string | undefined {
  return SIGNS.find(([, isAtWork]) => isAtWork(env))?.[0] ?? (env["AGENT"] || env["AI_AGENT"] || undefined);
}
