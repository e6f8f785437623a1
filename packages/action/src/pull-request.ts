import { readFileSync } from "node:fs";
import type { Context } from "@agent-vault/vault";

/** The pull request that a job runs for. */
export interface PullRequest {
  readonly number: number;
  /** Commits to compare with, the best first; a checkout need not hold them. */
  readonly bases: readonly string[];
}

/** `undefined` where the job runs for something else. */
export function pullRequestOf(env: Context["env"]): PullRequest | undefined {
  const event = eventOf(env["GITHUB_EVENT_PATH"]);
  const number = event?.pull_request?.number;
  const base = event?.pull_request?.base?.sha;
  if (typeof number !== "number" || !Number.isSafeInteger(number) || number < 1) return undefined;
  // What is checked out for a pull request is its merge into the base, whose first parent the base is.
  const isMerge = /^refs\/pull\/\d+\/merge$/.test(env["GITHUB_REF"] ?? "");
  const isCommit = typeof base === "string" && /^[0-9a-f]{40,64}$/.test(base);
  return { number, bases: [...(isCommit ? [base] : []), ...(isMerge ? ["HEAD^1"] : [])] };
}

interface Event {
  readonly pull_request?: { readonly number?: unknown; readonly base?: { readonly sha?: unknown } | null } | null;
}

/** The event as the runner wrote it down, or `undefined`. */
function eventOf(file: string | undefined): Event | undefined {
  try {
    return file ? (JSON.parse(readFileSync(file, "utf8")) as Event) : undefined;
  } catch {
    return undefined;
  }
}
