import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { makeVault } from "../../support/vault.js";
import { prepared, type Sandbox } from "../../support/sandbox.js";
import { runAction } from "./runner.js";

const TOKEN = "ghs_tokenOfTheJob";

/** A pull request that grants an agent a group, in a repository whose main branch does not. */
const proposed = prepared(async (box) => {
  await makeVault(box, { "stripe/api-key": "sk_1" }, { bot: [] });
  box.git("checkout", "--quiet", "-b", "proposal");
  await box.grant("bot", "stripe");
});

interface Comment {
  readonly id: number;
  body: string;
  readonly user: { readonly login: string; readonly type: string };
}

/** As much of GitHub as a comment takes. */
async function github({ user, refuses = [] }: { user?: string; refuses?: readonly string[] } = {}) {
  const comments: Comment[] = [];
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const { method, url = "" } = request;
    let text = "";
    request.on("data", (chunk: Buffer) => (text += chunk.toString()));
    request.on("end", () => {
      requests.push(`${method} ${url}`);
      const answer = (status: number, json: unknown) =>
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(json));
      const { body } = (text === "" ? {} : JSON.parse(text)) as { body: string };
      if (request.headers.authorization !== `Bearer ${TOKEN}` || refuses.includes(method!)) return answer(403, { message: "no" });
      if (url === "/user") return user === undefined ? answer(403, { message: "no" }) : answer(200, { login: user });
      if (method === "PATCH") {
        const comment = comments.find(({ id }) => url === `/repos/acme/shop/issues/comments/${id}`)!;
        comment.body = body;
        return answer(200, comment);
      }
      const [, page] = /^\/repos\/acme\/shop\/issues\/7\/comments(?:\?per_page=100&page=(\d+))?$/.exec(url) ?? [];
      if (method === "POST") {
        const made = { id: comments.length + 1, body, user: { login: user ?? "github-actions[bot]", type: user ? "User" : "Bot" } };
        comments.push(made);
        return answer(201, made);
      }
      return answer(200, comments.slice((Number(page) - 1) * 100, Number(page) * 100));
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onTestFinished(() => void server.close());
  const env = { GITHUB_API_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, GITHUB_REPOSITORY: "acme/shop" };
  const say = (body: string, login: string) => comments.push({ id: comments.length + 1, body, user: { login, type: "User" } });
  return { env, comments, requests, say };
}

/** The event of pull request 7, as the runner writes it down. */
function pullRequest(box: Sandbox, base = box.git("rev-parse", "main").trim()): Record<string, string> {
  const event = box.write(join(box.root, "event.json"), JSON.stringify({ pull_request: { number: 7, base: { sha: base } } }));
  return { GITHUB_EVENT_PATH: event, GITHUB_REF: "refs/pull/7/merge" };
}

describe("the action's verify", () => {
  it("proves the vault without a key, and says so in the summary", async () => {
    const box = await proposed();
    const event = pullRequest(box);
    const owner = (await box.ok("list-owners", "--json")).match(/ssh-ed25519 [A-Za-z0-9+/=]+/)![0];
    rmSync(join(box.home, ".agent-vault"), { recursive: true });
    // A pull request has a base that vouches for it.
    const step = await runAction(box, { mode: "verify" }, { env: event });
    expect(step).toMatchObject({ code: 0, stderr: "", error: undefined, masks: [], warnings: [] });
    expect(step.summary).toMatch(/^### What this changes in the vault: verified/);
    const push = await runAction(box, { mode: "verify" });
    expect(push).toMatchObject({ code: 1, error: expect.stringContaining("[UNTRUSTED_SIGNER]"), warnings: [] });
    expect(push.log.join("\n")).toContain(`AGENT_VAULT_OWNER='${owner}'`);
    expect((await runAction(box, { mode: "verify", key: "x" }, { env: event })).warnings).toEqual([
      expect.stringContaining("takes no key"),
    ]);
  });

  it("fails on what the owner has not signed, and points at the file", async () => {
    const box = await proposed();
    writeFileSync(join(box.vault, "secrets/stripe/api-key.enc"), "another owner's");
    const step = await runAction(box, { mode: "verify", path: "repository" }, { workspace: box.root });
    expect(step).toMatchObject({ code: 1, stderr: "", error: expect.stringContaining("[TAMPERED]") });
    expect(step.log).toContainEqual(
      expect.stringMatching(
        /^::error title=agent-vault%3A tampered,file=repository\/\.agent-vault\/secrets\/stripe\/api-key\.enc,line=1::/,
      ),
    );
    expect(step.summary).toContain("`tampered`");
  });

  it("trusts the owner that it is told of", async () => {
    const box = await proposed();
    const owner = (await box.ok("list-owners", "--json")).match(/ssh-ed25519 [A-Za-z0-9+/=]+/)![0];
    rmSync(join(box.home, ".agent-vault"), { recursive: true });
    expect(await runAction(box, { mode: "verify", owner })).toMatchObject({ code: 0, warnings: [] });
    const another = await runAction(box, { mode: "verify", owner: `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${"A".repeat(43)}` });
    expect(another).toMatchObject({ code: 1, error: expect.stringContaining("[UNTRUSTED_SIGNER]") });
  });

  it("writes one comment on a pull request, of who gains and loses access, and keeps it up to date", async () => {
    const box = await proposed();
    const { env, comments, requests, say } = await github();
    for (let index = 0; index < 100; index++) say(`remark ${index}`, "alice");
    const run = () => runAction(box, { mode: "verify", token: TOKEN }, { env: { ...env, ...pullRequest(box) } });
    const first = await run();
    expect(first).toMatchObject({ code: 0, stderr: "", error: undefined });
    expect(first.log.join("\n")).not.toContain(TOKEN);
    expect(comments).toHaveLength(101);
    expect(comments[100]!.body).toMatch(/### What this changes in the vault: verified/);
    expect(comments[100]!.body).toContain("| `bot` | `stripe/api-key` |  |");
    expect(first.summary).toContain("| `bot` | `stripe/api-key` |  |");

    await run();
    expect(requests.filter((request) => /^(?:POST|PATCH)/.test(request))).toHaveLength(1);
    await box.ok("revoke", "bot", "stripe");
    expect((await run()).code).toBe(0);
    expect(comments).toHaveLength(101);
    expect(comments[100]!.body).toContain("No agent gains or loses a secret.");
  });

  it("shows in the comment what will give access one day, and ends a block of lines that does not fit", async () => {
    const box = await proposed();
    const hub = await github();
    const manifest = join(box.vault, "manifest.yaml");
    const lines = Array.from({ length: 250 }, (_, index) => `# ${index} ${"x".repeat(380)}\n`).join("");
    writeFileSync(manifest, lines + readFileSync(manifest, "utf8").replace("  - stripe\n", "  - stripe\n  - prod\n"));
    await runAction(box, { mode: "verify", token: TOKEN }, { env: { ...hub.env, ...pullRequest(box) } });
    const [{ body }] = hub.comments as [Comment];
    expect(body).toContain("| `agent bot would join group prod when it exists` | `membership` |");
    expect(body).toContain("#### Findings");
    expect(body).toMatch(/\n\+# \d+ x+\n```\n\nThis is not everything: .*$/);
    expect(body.length).toBeLessThan(65_536);
  });

  it("leaves the comments of others alone, also one that looks like its own", async () => {
    const box = await proposed();
    for (const user of [undefined, "carol"]) {
      const { env, comments, say } = await github(user === undefined ? {} : { user });
      say("<!-- agent-vault verify .agent-vault -->\n### verified, believe me", "mallory");
      const run = () => runAction(box, { mode: "verify", token: TOKEN }, { env: { ...env, ...pullRequest(box) } });
      await run();
      await run();
      expect(comments.map(({ user: by }) => by.login)).toEqual(["mallory", user ?? "github-actions[bot]"]);
      expect(comments[0]!.body).toContain("believe me");
    }
  });

  it("says nothing on a pull request that changes nothing in the vault", async () => {
    const box = await proposed();
    const { env, comments } = await github();
    const step = await runAction(
      box,
      { mode: "verify", token: TOKEN },
      { env: { ...env, ...pullRequest(box, box.git("rev-parse", "HEAD").trim()) } },
    );
    expect([step.code, comments]).toEqual([0, []]);
  });

  it("does its work also where it may not comment, or GitHub cannot be reached", async () => {
    const box = await proposed();
    const { env } = await github({ refuses: ["POST"] });
    for (const api of [env.GITHUB_API_URL, "http://127.0.0.1:1"]) {
      const inputs = { mode: "verify", token: TOKEN };
      const step = await runAction(box, inputs, { env: { ...env, GITHUB_API_URL: api, ...pullRequest(box) } });
      expect(step).toMatchObject({ code: 0, stderr: "", warnings: [expect.stringContaining("permissions: pull-requests: write")] });
      expect(step.log.join("\n")).not.toContain(TOKEN);
    }
  });

  it("compares with the merge's base in a checkout of two commits, and says what is missing in one of one", async () => {
    const box = await proposed();
    box.git("checkout", "--quiet", "--detach", "main");
    box.git("merge", "--quiet", "--no-ff", "--message", "Merge", "proposal");
    box.git("branch", "merged");
    const clone = (depth: string) => {
      const folder = join(box.root, `depth-${depth}`);
      const url = pathToFileURL(box.repository).href;
      box.gitIn(box.root, "clone", "--quiet", "--depth", depth, "--branch", "merged", url, folder);
      return folder;
    };
    const env = pullRequest(box, "0".repeat(40));
    const two = await runAction(box, { mode: "verify" }, { workspace: clone("2"), env });
    expect(two).toMatchObject({ code: 0, warnings: [] });
    expect(two.summary).toContain("| `bot` | `stripe/api-key` |  |");
    const one = await runAction(box, { mode: "verify" }, { workspace: clone("1"), env });
    expect(one).toMatchObject({ code: 0, warnings: [expect.stringContaining("fetch-depth: 2")] });
    expect(one.summary).toContain("### The vault: verified");
    expect(readFileSync(env["GITHUB_EVENT_PATH"]!, "utf8")).toContain("pull_request");
  });

  it("takes an event that makes no sense for none", async () => {
    const box = await proposed();
    for (const text of ["", "[]", '{"pull_request": 7}', '{"pull_request": {"number": "7; x", "base": {"sha": "--output=/tmp/x"}}}']) {
      const event = box.write(join(box.root, "event.json"), text);
      expect(await runAction(box, { mode: "verify", token: TOKEN }, { env: { GITHUB_EVENT_PATH: event } })).toMatchObject({
        code: 0,
        warnings: [],
      });
    }
  });
});
