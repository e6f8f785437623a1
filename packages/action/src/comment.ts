import { VaultError, type Context } from "@agent-vault/vault";
import type { PullRequest } from "./pull-request.js";

/** What GitHub takes in one comment is 65,536 characters. */
const MAX_BODY_LENGTH = 60_000;
const PAGE_SIZE = 100;
const MAX_PAGES = 30;
const REQUEST_TIMEOUT_MS = 30_000;

/** What a comment says. */
export interface Report {
  /** Tells the comments about several vaults apart. */
  readonly key: string;
  /** Markdown. */
  readonly lines: readonly string[];
  /** Without news nothing is written, but a comment that is there is brought up to date. */
  readonly isNews: boolean;
}

interface Comment {
  readonly id: number;
  readonly body?: string | null;
  readonly user?: { readonly login?: string; readonly type?: string } | null;
}

/**
 * Writes a report as a comment on a pull request, or brings the one of an earlier run up to date.
 * @returns what was done, as a sentence
 * @throws VaultError `FAILED` where GitHub cannot be reached or refuses
 */
export async function comment(env: Context["env"], token: string, { number }: PullRequest, report: Report): Promise<string> {
  const repository = env["GITHUB_REPOSITORY"] ?? "";
  if (!/^[\w.-]+\/[\w.-]+$/.test(repository)) throw failed("GITHUB_REPOSITORY does not name a repository");
  const api = (env["GITHUB_API_URL"] || "https://api.github.com").replace(/\/+$/, "");
  const marker = `<!-- agent-vault verify ${encodeURIComponent(report.key)} -->`;
  const body = bodyOf(marker, report.lines);

  const earlier = await findOwn();
  if (earlier && earlier.body === body) return "The comment on the pull request is up to date.";
  if (earlier) {
    await call("PATCH", `/repos/${repository}/issues/comments/${earlier.id}`, { body });
    return "Updated the comment on the pull request.";
  }
  if (!report.isNews) return "Nothing has changed, so the pull request gets no comment.";
  await call("POST", `/repos/${repository}/issues/${number}/comments`, { body });
  return "Commented on the pull request.";

  /** A comment of another author is left alone, whatever it says: they could change it again. */
  async function findOwn(): Promise<Comment | undefined> {
    let isOwn: ((comment: Comment) => boolean) | undefined;
    for (let page = 1; page <= MAX_PAGES; page++) {
      const comments = (await call(
        "GET",
        `/repos/${repository}/issues/${number}/comments?per_page=${PAGE_SIZE}&page=${page}`,
      )) as Comment[];
      if (!Array.isArray(comments)) throw failed("GitHub answered with something else than a list of comments");
      const marked = comments.filter((one) => one.body?.startsWith(marker));
      if (marked.length > 0) isOwn ??= await ownership();
      const own = marked.find((one) => isOwn!(one));
      if (own || comments.length < PAGE_SIZE) return own;
    }
    return undefined;
  }

  /** A workflow's own token is an app's and may not ask who it is; a person's may. */
  async function ownership(): Promise<(comment: Comment) => boolean> {
    const me = (await call("GET", "/user", undefined, [401, 403, 404])) as { login?: unknown } | undefined;
    return ({ user }) => (me === undefined ? user?.type === "Bot" : user?.login === me.login);
  }

  async function call(method: string, path: string, json?: object, refusals: readonly number[] = []): Promise<unknown> {
    let status = 0;
    try {
      const response = await fetch(`${api}${path}`, {
        method,
        headers: {
          accept: "application/vnd.github+json",
          authorization: `Bearer ${token}`,
          "user-agent": "agent-vault",
          "x-github-api-version": "2022-11-28",
          ...(json && { "content-type": "application/json" }),
        },
        body: json ? JSON.stringify(json) : null,
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      });
      ({ status } = response);
      if (response.ok) return await response.json();
    } catch {
      throw failed(status === 0 ? "GitHub could not be reached" : "GitHub answered with something else than JSON");
    }
    if (refusals.includes(status)) return undefined;
    throw failed(`GitHub refused (${method} ${path.replace(/\?.*/, "")}: ${status})`);
  }
}

function bodyOf(marker: string, lines: readonly string[]): string {
  const kept = [marker];
  let openFence: string | undefined;
  let room = MAX_BODY_LENGTH - marker.length;
  for (const line of lines) {
    room -= line.length + 1;
    if (room < 0) {
      kept.push(...(openFence === undefined ? [] : [openFence]), "", "This is not everything: the rest is in the summary of the job.");
      break;
    }
    kept.push(line);
    // In a block each line begins with + - @ or a space, so only a fence begins with the marks of one.
    const [fence] = /^`{3,}/.exec(line) ?? [];
    if (fence !== undefined) openFence = openFence === undefined ? fence : undefined;
  }
  return kept.join("\n");
}

function failed(what: string): VaultError {
  return new VaultError("FAILED", `The pull request could not be commented on: ${what}.`, {
    remedy: "The job needs permissions: pull-requests: write, which a pull request from a fork does not get.",
  });
}
