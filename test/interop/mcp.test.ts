import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { KnownSecrets } from "#runner/index.js";
import { BrowserPage, CHROMIUM } from "../support/chromium.js";
import { ERAS, Served, type Question, type Reply } from "../support/mcp-client.js";
import { lacks } from "../support/programs.js";
import { prepared } from "../support/sandbox.js";
import { makeVault } from "../support/vault.js";

const SECRETS = {
  "stripe/test-key": "sk_test_4eC39HqLyjWDarjtT1zdp7dc",
  "stripe/live-key": 'live "quoted" \\ value & more <4242>',
  "stripe/pem": "-----BEGIN PRIVATE-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n-----END PRIVATE-----\n",
  "other/token": "nobody-but-the-owner-reads-this-one",
};
const known = new KnownSecrets(Object.entries(SECRETS).map(([name, value]) => ({ name, value })));

const machine = prepared(
  async (box) => {
    const secrets = {
      ...SECRETS,
      "stripe/test-key": { value: SECRETS["stripe/test-key"], environment: "test", access: "read" as const, description: "test account" },
      "stripe/live-key": { value: SECRETS["stripe/live-key"], environment: "production", access: "admin" as const },
    };
    await makeVault(box, secrets, { claude: ["stripe"] });
  },
  { audit: true },
);

const AGENT = ["--agent", "claude"];
const sh = (line: string) => ["sh", "-c", line];
const LIVE = { command: sh('echo "$STRIPE_LIVE_KEY"; touch ran'), secrets: ["stripe/live-key"], reason: "to see it run" };
const accept = (decision: string) => (): Reply => ({ action: "accept", content: { decision } });

/** What the server wrote holds no value, as it is or in any encoding that the scrubber knows. */
function expectNoValue({ written }: Served): void {
  const scrubber = known.scrubber();
  expect(Buffer.concat([scrubber.write(written), scrubber.flush()]).equals(written)).toBe(true);
}

/** What is on record, as the server has it. */
async function auditOf(served: Served): Promise<{ action: string; outcome: string; who: string; harness: string; reason?: string }[]> {
  return (await served.call("audit", { all: true })).data["entries"] as never;
}

describe.each(ERAS)("a client of %s", (era) => {
  it("asks its user where an approval is needed, and does what they say", async () => {
    const box = await machine();
    const answers = [
      accept("once"),
      accept("session"),
      accept("session"),
      (): Reply => ({ action: "decline" }),
      accept("deny"),
      (): Reply => ({ action: "accept", content: {} }),
    ];
    const served = await Served.start(box, { era, flags: AGENT, answer: () => answers.shift()!() });
    const ran = join(box.repository, "ran");

    const heard: (string | undefined)[] = [];
    const first = await served.call("run", LIVE, { onprogress: ({ message }) => heard.push(message) });
    expect(first.data).toMatchObject({ exit_code: 0, stdout: "[REDACTED:stripe/live-key]\n" });
    // The newer client hears no progress that comes together with an answer.
    if (era === "2025-11-25") expect(heard).toHaveLength(2);
    expect(existsSync(ran)).toBe(true);
    expect(served.questions[0]!.message).toContain("Reason      | to see it run");
    expect(served.questions[0]!.message).toContain("stripe/live-key (production, admin)");
    expect(served.questions[0]!.message).toContain("touch ran");
    // Once is once; a session holds for exactly this.
    await served.call("run", LIVE);
    await served.call("run", LIVE);
    expect(served.questions).toHaveLength(2);
    // Of several at once each waits for its turn, and finds what was answered before.
    await Promise.all([LIVE, LIVE].map((words) => served.call("run", { ...words, command: sh("true") })));
    expect(served.questions).toHaveLength(3);
    // The question says in what it differs from what was allowed before.
    expect(served.questions.map(({ message }) => /^Changed .*/m.exec(message)?.[0])).toEqual([
      undefined,
      "Changed     | nothing",
      "Changed     | Command: now sh -c true",
    ]);
    // What was allowed for the session is not what a file of variables makes of it.
    box.write("evil.env", "TAR_OPTIONS=--checkpoint-action=exec=./evil\n");
    expect((await served.call("run", { ...LIVE, env_files: ["evil.env"] })).code).toBe("POLICY_DENIED");
    const other = { ...LIVE, command: sh("touch denied") };
    for (let count = 0; count < 3; count++) expect((await served.call("run", other)).code).toBe("APPROVAL_DENIED");
    expect(existsSync(join(box.repository, "denied"))).toBe(false);
    expect(served.questions).toHaveLength(6);
    expectNoValue(served);
    expect(
      (await auditOf(served))
        .filter(({ action }) => action === "run")
        .map(({ outcome, reason }) => [outcome, /Approved (\w+, by [\w' ]+)/.exec(reason!)?.[1]]),
    ).toEqual([
      ["done", "once, by a person at the MCP client"],
      ["done", "session, by a person at the MCP client"],
      ["done", "session, by an earlier answer for the session"],
      ["done", "session, by a person at the MCP client"],
      ["done", "session, by an earlier answer for the session"],
      ["denied", undefined],
      ["denied", undefined],
      ["denied", undefined],
      ["denied", undefined],
    ]);
  });

  it("has a person add a missing secret on a page, once", async () => {
    const box = await machine();
    const value = "typed-by-a-person-%41&=+ ü";
    let url = "";
    const answer = async ({ url: given }: Question): Promise<Reply> => {
      url = given!;
      const shown = await fetch(url);
      const form = await shown.text();
      for (const text of ["because &#60;b&#62;", 'name="environment" value="production"', '<option value="admin" selected>', "<q>test</q>"])
        expect(form).toContain(text);
      const sent = await send(url, { value, grant: "yes", environment: "staging", access: "read", group: "mail" });
      expect(sent.status).toBe(200);
      return { action: "accept" };
    };
    const served = await Served.start(box, { era, flags: [...AGENT, "--owner-key", box.ownerKey], answer });
    const asked = await served.call("request", { path: "mail/password", reason: "because <b>", environment: "test" });
    expect(asked.data).toEqual({ status: "stored", secret: "mail/password" });
    await expect(fetch(url)).rejects.toThrow();
    expect((await box.cli(["get", "mail/password"])).stdout.toString()).toBe(value);
    expect(readFileSync(join(box.vault, "secrets/mail/password.meta"), "utf8")).toMatch(
      /environment: staging[^]*access: read$|access: read\n[^]*environment: staging/m,
    );
    const used = await served.call("run", { command: sh("echo $MAIL_PASSWORD"), secrets: ["mail/password"], reason: "to use it" });
    expect(used.data["stdout"]).toBe("[REDACTED:mail/password]\n");
    expect((await served.call("request", { path: "mail/password", reason: "again" })).code).toBe("ALREADY_EXISTS");
    expect(served.written.includes(value)).toBe(false);
    expectNoValue(served);
  });
});

describe("a server", () => {
  it("ends a command with all that it started when the call is cancelled", async () => {
    const box = await machine();
    const served = await Served.start(box, { era: "2025-11-25", flags: AGENT });
    const cancellation = new AbortController();
    const pids = join(box.root, "pids");
    const call = served.call(
      "run",
      {
        command: sh(`sleep 1000 & echo $$ $! > ${pids}.new; mv ${pids}.new ${pids}; wait`),
        secrets: ["stripe/test-key"],
        reason: "to wait",
      },
      { signal: cancellation.signal },
    );
    const [shell, sleep] = (await contentOf(pids)).trim().split(" ").map(Number);
    cancellation.abort();
    await expect(call).rejects.toThrow();
    await expect.poll(() => [lives(shell!), lives(sleep!)], { timeout: 10_000 }).toEqual([false, false]);
    // It is on record as cancelled, and the server goes on.
    await expect.poll(async () => (await served.call("audit", { last: 1 })).text, { timeout: 10_000 }).toContain("It was cancelled.");
  });

  it("lists names, attributes and readers, and says of its tools what they do", async () => {
    const served = await Served.start(await machine(), { era: "2025-11-25", flags: AGENT });
    const { tools } = await served.client.listTools();
    const reading = tools.filter(({ annotations }) => annotations?.readOnlyHint).map(({ name }) => name);
    expect(reading).toEqual(["agent_vault_list", "agent_vault_status", "agent_vault_audit"]);
    expect(tools.map(({ name }) => name)).not.toContain("agent_vault_get");
    expect(tools.find(({ name }) => name === "agent_vault_run")?.annotations?.destructiveHint).toBe(true);
    expect(tools.every(({ outputSchema, description }) => outputSchema && description!.length > 100)).toBe(true);

    const { data } = await served.call("list", { search: "stripe" });
    expect(data).toMatchObject({
      total: 3,
      secrets: [{ secret: "stripe/live-key" }, { secret: "stripe/pem" }, { secret: "stripe/test-key" }],
    });
    const { data: all } = await served.call("list", { all: true, search: "token" });
    expect(all).toMatchObject({ secrets: [{ secret: "other/token", usable: false, agents: [] }] });
    expect((await served.call("status")).data).toMatchObject({
      role: "agent",
      name: "claude",
      secrets: { all: 4, usable: 3 },
      recorded: true,
    });
    expectNoValue(served);
  });

  it("runs commands whose output shows no value in any spelling, and whose environment has nothing of the server's", async () => {
    const box = await machine();
    const served = await Served.start(box, { flags: AGENT, env: { AGENT_VAULT_KEY: readFileSync(box.agentKey("claude"), "utf8") } });
    const { data } = await served.call("run", {
      command: sh(
        `printf "%s\\n" "$KEY" "$STRIPE_PEM"; '${process.execPath}' -e 'for (const name of ["KEY", "STRIPE_PEM"]) console.log(btoa(process.env[name]))'; printf %s "$KEY" | od -An -tx1; env | grep ^AGENT_VAULT; exit 3`,
      ),
      secrets: ["stripe/test-key=KEY", "stripe/pem"],
      reason: "to try all spellings",
    });
    expect(data).toMatchObject({ exit_code: 3, timed_out: false, cut: false });
    expect(data["stdout"]).toContain("[REDACTED:stripe/test-key]");
    expect(data["stdout"]).not.toContain("AGENT_VAULT_");
    expectNoValue(served);
    expect((await auditOf(served)).at(-1)).toMatchObject({ action: "run", outcome: "done", who: "claude", harness: "test-client" });
  });

  it("is refused what needs an approval where it cannot ask, whatever its environment says", async () => {
    const served = await Served.start(await machine(), { flags: AGENT, env: { AGENT_VAULT_APPROVE: "session" } });
    expect((await served.call("run", LIVE)).code).toBe("APPROVAL_UNAVAILABLE");
    expect((await served.call("run", { ...LIVE, secrets: ["other/token"] })).code).toBe("NOT_AUTHORIZED");
    const denied = await Served.start(await machine(), { flags: AGENT, env: { AGENT_VAULT_APPROVE: "deny" }, answer: accept("once") });
    expect((await denied.call("run", LIVE)).code).toBe("APPROVAL_DENIED");
    expect(denied.questions).toEqual([]);
  });

  it("ends a command that runs out of time, and cuts long output in its middle", async () => {
    const served = await Served.start(await machine(), { flags: AGENT });
    const words = { secrets: ["stripe/test-key"], reason: "to run long" };
    const late = await served.call("run", { ...words, command: ["sleep", "1000"], timeout_seconds: 0.2 });
    expect(late.data).toMatchObject({ exit_code: 124, timed_out: true });
    const long = await served.call("run", {
      ...words,
      command: sh("echo first; head -c 300000 /dev/zero | tr '\\0' x; echo; echo $STRIPE_TEST_KEY"),
    });
    expect(long.data).toMatchObject({ exit_code: 0, cut: true, stdout_bytes: 300_034 });
    const stdout = String(long.data["stdout"]);
    expect(stdout.length).toBeLessThan(33_000);
    expect(stdout).toMatch(/^first\nx+\n\[\.\.\. \d+ bytes are left out here \.\.\.\]\nx+\n\[REDACTED:stripe\/test-key\]\n$/);
  });

  it("keeps to the groups that it was started for", async () => {
    const box = await machine();
    const served = await Served.start(box, { flags: ["--groups", "other", "--allow-get"], answer: accept("once") });
    expect((await served.call("list")).data).toMatchObject({ total: 1, secrets: [{ secret: "other/token" }] });
    const run = { command: ["true"], reason: "to try" };
    expect((await served.call("run", { ...run, secrets: ["stripe/test-key"] })).code).toBe("POLICY_DENIED");
    expect((await served.call("run", { ...run, groups: ["stripe"] })).code).toBe("POLICY_DENIED");
    expect((await served.call("get", { secret: "stripe/test-key", reason: "to try" })).code).toBe("POLICY_DENIED");
    expect((await served.call("request", { path: "stripe/new", reason: "to try" })).code).toBe("POLICY_DENIED");
    expect((await served.call("run", { ...run, secrets: ["other/token"] })).data).toMatchObject({ exit_code: 0 });
    expect((await served.call("audit", { all: true })).text).not.toContain("stripe");
    expectNoValue(served);
  });

  it("shows a value only where it was started to, and asks first for what is sensitive", async () => {
    const box = await machine();
    const served = await Served.start(box, {
      flags: [...AGENT, "--allow-get"],
      env: { CLAUDECODE: "1" },
      answer: () => ({ action: "decline" }),
    });
    expect((await served.call("get", { secret: "stripe/test-key", reason: "to see it" })).data).toMatchObject({
      value: SECRETS["stripe/test-key"],
    });
    expect((await served.call("get", { secret: "stripe/live-key", reason: "to see it" })).code).toBe("APPROVAL_DENIED");
    expect((await auditOf(served)).slice(-2)).toMatchObject([
      { action: "get", outcome: "done", harness: "claude-code", reason: "to see it" },
      { action: "get", outcome: "denied" },
    ]);
    // A policy overrides the flag.
    box.write(".agent-vault/policy.yaml", "version: 1\nrules:\n  - secrets: ['**']\n    allow: {actions: run}\n");
    await box.sign();
    expect((await served.call("get", { secret: "stripe/test-key", reason: "to see it" })).code).toBe("POLICY_DENIED");
  });

  it("lets no command that it runs read values as a person would", async () => {
    const box = await machine();
    const served = await Served.start(box, { flags: AGENT });
    const cli = join(import.meta.dirname, "../../packages/cli/bin/agent-vault.js");
    const get = (more: Record<string, unknown>) =>
      served.call("run", {
        command: [process.execPath, cli, "get", "other/token"],
        secrets: ["stripe/test-key"],
        reason: "to get another one",
        ...more,
      });
    for (const clean_env of [false, true]) expect((await get({ clean_env })).data["stderr"]).toContain("[HARNESS_DENIED]");
    box.write("hide.env", "CLAUDECODE=\nAGENT=\n");
    box.write("harness.env", "AI_AGENT=\n");
    expect((await get({ env_files: ["hide.env"] })).code).toBe("POLICY_DENIED");
    expect((await get({ env_files: ["harness.env"] })).code).toBe("INVALID_VARIABLE");
    // Not even where the policy lets it set any variable.
    box.write(".agent-vault/policy.yaml", 'version: 2\nrules:\n  - {secrets: "**", allow: {env: "*"}}\n');
    await box.sign();
    for (const clean_env of [false, true])
      expect((await get({ clean_env, env_files: ["hide.env"] })).data["stderr"]).toContain("[HARNESS_DENIED]");
    expectNoValue(served);
  });

  it("locks when nobody has called for a while, until a person says that they are there", async () => {
    const box = await machine();
    const locking = [...AGENT, "--idle-lock", "0.00001"];
    const answers: Reply[] = [{ action: "decline" }, { action: "accept", content: { unlock: true } }];
    const served = await Served.start(box, { flags: locking, answer: () => answers.shift()! });
    expect((await served.call("list")).code).toBe("CONFIRMATION_REQUIRED");
    expect((await served.call("list")).data).toMatchObject({ total: 3 });
    const silent = await Served.start(box, { flags: locking });
    expect((await silent.call("run", LIVE)).text).toContain("[CONFIRMATION_REQUIRED]");
  });

  it.skipIf(!CHROMIUM && lacks("Chromium"))("has the page filled in by a real Chromium", async () => {
    const box = await machine();
    const value = "line one <b>\nline two % + & ü";
    let page: BrowserPage | undefined;
    const answer = async ({ url }: Question): Promise<Reply> => {
      page = await BrowserPage.open(url!);
      expect(await page.value("getComputedStyle(document.querySelector('dt')).float")).toBe("left");
      expect(await page.value("globalThis.pwned ?? document.querySelectorAll('script, img').length")).toBe(0);
      await page.click("[name=grant]");
      await page.value("document.querySelector('textarea').focus()");
      await page.type(value);
      await page.click("button");
      return { action: "accept" };
    };
    const served = await Served.start(box, { flags: [...AGENT, "--owner-key", box.ownerKey], answer });
    const reason = "<script>globalThis.pwned = 1</script><img src=x onerror='globalThis.pwned = 1'>";
    expect((await served.call("request", { path: "mail/password", reason })).data).toMatchObject({ status: "stored" });
    await page!.shows("is stored");
    expect(new Set(page!.requested).size).toBe(1);
    expect((await box.cli(["get", "mail/password"])).stdout.toString()).toBe(value);
    // The box was not ticked, so the agent does not read it.
    expect((await served.call("run", { command: ["true"], secrets: ["mail/password"], reason: "to use it" })).code).toBe("NOT_AUTHORIZED");
    expectNoValue(served);
  });

  it("says which command to run where it cannot store what a person would type", async () => {
    const box = await machine();
    const withoutKey = await Served.start(box, { flags: AGENT, answer: () => ({ action: "accept" }) });
    const asked = await withoutKey.call("request", { path: "mail/password", reason: "to send mail" });
    expect(asked.data).toMatchObject({ status: "run_command", command: `agent-vault -C ${box.repository} set mail/password` });
    const withoutBrowser = await Served.start(box, { answer: () => ({ action: "accept" }), capabilities: { elicitation: {} } });
    expect((await withoutBrowser.call("request", { path: "mail/password", reason: "to send mail" })).data).toMatchObject({
      status: "run_command",
    });
    expect([...withoutKey.questions, ...withoutBrowser.questions]).toEqual([]);
  });

  it("is started as the configuration that install writes says", async () => {
    const box = await machine();
    const words = ["--client", "cursor", "--agent", "claude", "--groups", "stripe"];
    expect(await box.ok("mcp", "install", ...words)).toContain(join(box.home, ".cursor/mcp.json"));
    expect(JSON.parse(await box.ok("mcp", "install", ...words, "--json"))).toMatchObject({ change: "unchanged" });
    const { mcpServers } = JSON.parse(readFileSync(join(box.home, ".cursor/mcp.json"), "utf8")) as {
      mcpServers: { "agent-vault": { command: string; args: string[] } };
    };
    const served = await Served.start(box, { program: mcpServers["agent-vault"] });
    expect((await served.call("status")).data).toMatchObject({ name: "claude", restricted_to_groups: ["stripe"] });
    expect(JSON.parse(await box.ok("mcp", "uninstall", "--client", "cursor", "--json"))).toMatchObject({ change: "removed" });
    expect(existsSync(join(box.home, ".cursor/mcp.json"))).toBe(false);
  });

  it("says in every tool that it has no key", async () => {
    const box = await machine();
    const served = await Served.start(box, { flags: ["--agent", "nobody"], answer: () => ({ action: "accept" }) });
    for (const [tool, words] of [
      ["list", {}],
      ["list", { all: true }],
      ["request", { path: "mail/password", reason: "to send mail" }],
      ["run", { command: ["true"], secrets: ["stripe/test-key"], reason: "to run it" }],
      ["audit", {}],
    ] as const) {
      expect([tool, (await served.call(tool, words)).code]).toEqual([tool, "NO_KEY"]);
    }
    const { data } = await served.call("status");
    expect(data).toMatchObject({ role: "none", why_no_key: expect.stringContaining("NO_KEY") as string });
  });

  it("goes by a token where it is given one", async () => {
    const box = await machine();
    const token = (await box.ok("token", "mint", "--secret", "stripe/test-key", "--ttl", "1h")).trim().split("\n")[0]!;
    const served = await Served.start(box, { env: { AGENT_VAULT_TOKEN: token }, answer: () => ({ action: "decline" }) });
    const run = { command: ["true"], reason: "to try" };
    expect((await served.call("run", { ...run, secrets: ["stripe/test-key"] })).data).toMatchObject({ exit_code: 0 });
    expect((await served.call("run", { ...run, secrets: ["stripe/pem"] })).code).toBe("TOKEN_DENIED");
    expect((await served.call("audit")).code).toBe("TOKEN_DENIED");
    expect((await served.call("request", { path: "new/one", reason: "to try" })).data).toMatchObject({ status: "run_command" });
  });

  it("ends with its client, and what it runs ends with it", async () => {
    const box = await machine();
    const served = await Served.start(box, { flags: AGENT });
    const pids = join(box.root, "pids");
    const call = served.call("run", {
      command: sh(`echo $$ > ${pids}.new; mv ${pids}.new ${pids}; exec sleep 1000`),
      secrets: ["stripe/test-key"],
      reason: "to stay",
    });
    call.catch(() => {});
    const child = Number(await contentOf(pids));
    const server = served.process.pid!;
    await served.client.close();
    await expect.poll(() => [lives(child), lives(server)], { timeout: 10_000 }).toEqual([false, false]);
  });
});

describe("a hostile client", () => {
  it("neither ends the server nor gets a value", async () => {
    const box = await machine();
    let decline!: () => void;
    const declined = new Promise<Reply>((resolve) => {
      decline = () => resolve({ action: "decline" });
    });
    const served = await Served.start(box, { flags: AGENT, answer: () => declined });
    await served.call("status");
    const raw = served.process.stdin!;
    raw.write('this is no JSON\n{}\n[]\nnull\n{"jsonrpc":"2.0"}\n\u0000\u0001\n');
    raw.write(`${"[".repeat(100_000)}\n`);
    raw.write(
      `{"jsonrpc":"2.0","id":"big","method":"tools/call","params":{"name":"agent_vault_list","arguments":{"search":"${"x".repeat(12_000_000)}"}}}\n`,
    );
    raw.write(
      `{"jsonrpc":"2.0","id":"deep","method":"tools/call","params":{"name":"agent_vault_list","arguments":${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)}}}\n`,
    );
    raw.write(
      '{"jsonrpc":"2.0","id":"proto","method":"tools/call","params":{"name":"__proto__","arguments":{"__proto__":{"all":true}}}}\n',
    );

    const bad: (readonly [string, Record<string, unknown>])[] = [
      ["run", {}],
      ["run", { command: [], reason: "x" }],
      ["run", { command: ["true"], secrets: ["stripe/test-key"], reason: "x", tty: true }],
      ["run", { command: Array<string>(5000).fill("x"), secrets: ["stripe/test-key"], reason: "x" }],
      ["run", { command: ["a\0b"], secrets: ["stripe/test-key"], reason: "x" }],
      ["run", { command: ["env"], secrets: ["stripe/test-key=LD_PRELOAD"], reason: "x" }],
      ["run", { command: ["env"], secrets: ["stripe/test-key=AI_AGENT"], reason: "x" }],
      ["run", { command: ["env"], secrets: ["../../agents/claude/private.key"], reason: "x" }],
      ["run", { command: ["env"], reason: "x" }],
      ["run", { command: ["env"], secrets: ["stripe/test-key"], env_files: [box.ownerKey], reason: "x" }],
      ["run", { command: ["env"], secrets: ["stripe/test-key"], env_files: ["/dev/zero"], reason: "x" }],
      ["run", { command: ["env"], secrets: ["stripe/test-key"], cwd: "/nowhere", reason: "x" }],
      ["request", { path: "../x", reason: "x" }],
      ["get", { secret: "stripe/test-key", reason: "x" }],
      ["list", { limit: 1e9 }],
      ["audit", { since: "'; DROP TABLE audit; --" }],
    ];
    for (const [name, words] of bad) {
      const { code } = await served.call(name, words).catch(() => ({ code: "refused" }));
      expect([name, words, code]).toEqual([name, words, expect.any(String)]);
    }
    await expect(served.client.callTool({ name: "no_such_tool" })).rejects.toThrow();

    // As many as may be under way wait for the person, and the others are sent away at once.
    const most = 16;
    let sentAway = 0;
    const codes = await Promise.all(
      Array.from({ length: 2000 }, async () => {
        const { code } = await served.call("run", LIVE);
        if (code === "BUSY" && ++sentAway === 2000 - most) decline();
        return code;
      }),
    );
    expect(codes.filter((code) => code === "APPROVAL_DENIED")).toHaveLength(most);

    expect((await served.call("list")).data).toMatchObject({ total: 3 });
    expect((await served.call("run", { command: ["echo", "well"], secrets: ["stripe/test-key"], reason: "to go on" })).data).toMatchObject({
      stdout: "well\n",
    });
    expectNoValue(served);
    expect(served.written.includes("AGE-SECRET-KEY")).toBe(false);
  });
});

/** Sends a page's form as a browser does. */
function send(url: string, fields: Record<string, string>): Promise<Response> {
  return fetch(url, {
    method: "POST",
    headers: { origin: new URL(url).origin, "sec-fetch-site": "same-origin" },
    body: new URLSearchParams(fields),
  });
}

/** What a file holds, once it is there. */
async function contentOf(file: string): Promise<string> {
  await expect.poll(() => existsSync(file), { timeout: 10_000 }).toBe(true);
  return readFileSync(file, "utf8");
}

function lives(pid: number): boolean {
  try {
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
