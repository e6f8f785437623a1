import { request as httpRequest } from "node:http";
import { describe, expect, it, onTestFinished } from "vitest";
import type { ValueChoices, ValueRequest } from "#mcp/value-page/value-form.js";
import type { ValuePage } from "#mcp/value-page/value-page.js";
import { ValuePages } from "#mcp/value-page/value-pages.js";
import { processContext, VaultError } from "#vault/index.js";

const VALUE = { "content-type": "application/x-www-form-urlencoded" };

async function opened(
  changes: Partial<ValueRequest> = {},
): Promise<{ page: ValuePage; stored: (readonly [string, boolean])[]; pages: ValuePages }> {
  const stored: (readonly [string, boolean])[] = [];
  const pages = new ValuePages(processContext());
  onTestFinished(() => pages.close());
  const page = await pages.open({
    secret: "mail/password",
    who: "The agent claude",
    reason: "to send mail",
    folder: "/home/you/shop/.agent-vault",
    readers: ["mailer"],
    grantable: "claude",
    maxBytes: 1000,
    store: async (value, grant) => void stored.push([Buffer.from(value).toString(), grant]),
    ...changes,
  });
  return { page, stored, pages };
}

interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** Asks with whatever headers, as no browser and no `fetch` would. */
function ask(url: string, options: { method?: string; headers?: Record<string, string>; body?: string } = {}): Promise<Answered> {
  return new Promise((done, failed) => {
    const sent = httpRequest(url, { method: options.method ?? "GET", headers: options.headers ?? {} }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
      response.on("end", () => done({ status: response.statusCode!, headers: response.headers, body }));
    });
    sent.on("error", failed);
    sent.end(options.body);
  });
}

const post = (page: ValuePage, body: string, headers: Record<string, string> = {}) =>
  ask(page.url, { method: "POST", headers: { ...VALUE, origin: new URL(page.url).origin, ...headers }, body });

describe("the page for a value", () => {
  it("takes one value, from its own form, and is gone then", async () => {
    const { page, stored, pages } = await opened();
    expect(pages.find("mail/password")).toBe(page);
    expect(page.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{43}$/);
    expect((await post(page, "value=line+1%0D%0Aline%252%0D%0A&grant=yes")).body).toContain("mail/password is stored");
    expect(stored).toEqual([["line 1\nline%2", true]]);
    expect(await page.ended).toBe("stored");
    expect(pages.find("mail/password")).toBeUndefined();
    await expect(ask(page.url)).rejects.toThrow();
  });

  it("loads nothing, runs nothing, is kept and framed by nobody, and shows what others wrote as text", async () => {
    const { page } = await opened({
      reason: `</blockquote><script>alert(1)</script>\u202Egnp.exe`,
      who: "<b>Eve</b>",
      readers: [],
      secret: "a/b",
    });
    const { status, headers, body } = await ask(page.url);
    expect(status).toBe(200);
    const policy = String(headers["content-security-policy"]);
    expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/);
    expect(headers).toMatchObject({
      "cache-control": "no-store",
      "x-frame-options": "DENY",
      "x-content-type-options": "nosniff",
      "referrer-policy": "same-origin",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-resource-policy": "same-origin",
    });
    expect(body).not.toMatch(/<script|<b>|\bsrc=|\bhref=|url\(|\u202E/);
    expect(body).toContain("&#60;script&#62;");
  });

  it("is not there under another name, by another way or from another page", async () => {
    const { page, stored } = await opened();
    const { origin, port } = new URL(page.url);
    expect((await ask(page.url, { headers: { host: `evil.example:${port}` } })).status).toBe(421);
    expect((await ask(page.url, { headers: { host: `localhost:${port}` } })).status).toBe(421);
    expect((await ask(origin)).status).toBe(404);
    expect((await ask(page.url.slice(0, -1))).status).toBe(404);
    expect((await ask(`${page.url}?x`)).status).toBe(404);
    expect((await ask(page.url, { method: "PUT" })).status).toBe(405);
    expect((await post(page, "value=x", { origin: "http://evil.example" })).status).toBe(403);
    expect((await post(page, "value=x", { origin: "null" })).status).toBe(403);
    expect((await ask(page.url, { method: "POST", headers: VALUE, body: "value=x" })).status).toBe(403);
    expect((await post(page, "value=x", { "sec-fetch-site": "cross-site" })).status).toBe(403);
    expect((await post(page, "value=x", { "content-type": "text/plain" })).status).toBe(415);
    expect((await post(page, `value=${"x".repeat(8000)}`)).status).toBe(413);
    expect((await post(page, "value=")).status).toBe(400);
    expect(stored).toEqual([]);
    expect((await post(page, "value=x")).status).toBe(200);
    expect(stored).toEqual([["x", false]]);
  });

  it("stores once, however often it is sent, and says why it could not", async () => {
    let release!: () => void;
    let count = 0;
    const { page } = await opened({
      store: () => {
        count += 1;
        return new Promise((done) => (release = done));
      },
    });
    const first = post(page, "value=x");
    await expect.poll(() => count).toBe(1);
    expect((await post(page, "value=y")).status).toBe(410);
    page.close();
    release();
    expect((await first).status).toBe(200);
    expect([await page.ended, count]).toEqual(["stored", 1]);

    const error = new VaultError("BUSY", "Another process uses the vault.");
    const failing = await opened({ store: () => Promise.reject(error) });
    const told = await post(failing.page, "value=x");
    expect([told.status, told.body]).toEqual([500, expect.stringContaining("Another process uses the vault.")]);
    expect(await failing.page.ended).toEqual({ error });
  });

  it("has the person say what decides who may use it, the strictest unless they do, whatever the agent proposes", async () => {
    const choices: ValueChoices[] = [];
    const asked: Partial<ValueRequest> = {
      groups: [
        { name: "mail", agents: ["mailer"] },
        { name: "shop", agents: [] },
      ],
      proposal: { environment: "test", access: "read", description: "<b>harmless</b>" },
      store: async (_value, _grant, chosen) => void choices.push(chosen),
    };
    const shown = await opened(asked);
    const { body } = await ask(shown.page.url);
    expect(body).toMatch(/name="environment" value="production"[^]*proposes: <q>test<\/q>/);
    expect(body).toMatch(/<option value="admin" selected>[^]*proposes: <q>read<\/q>/);
    expect(body).toMatch(/name="description" value=""[^]*proposes: <q>&#60;b&#62;harmless/);
    expect(body).toContain(">mail: the owners, mailer</option>");
    await post(shown.page, "value=x");
    await post((await opened(asked)).page, "value=x&environment=&access=root&group=other&description=");
    await post((await opened(asked)).page, "value=x&environment=staging&access=read-write&group=shop&description=of+the+shop");
    const strictest = { environment: "production", access: "admin", group: undefined, description: undefined };
    expect(choices).toEqual([
      strictest,
      strictest,
      { environment: "staging", access: "read-write", group: "shop", description: "of the shop" },
    ]);
  });

  it("is one of few", async () => {
    const { pages } = await opened();
    const more = (secret: string) =>
      pages.open({ secret, who: "", reason: "", folder: "", readers: [], grantable: undefined, maxBytes: 1, store: async () => {} });
    for (const secret of ["b", "c", "d"]) await more(secret);
    await expect(more("e")).rejects.toMatchObject({ code: "BUSY" });
    pages.close();
    await expect.poll(() => pages.find("d")).toBeUndefined();
    await more("e");
  });
});
