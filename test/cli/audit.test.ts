import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, it, onTestFinished } from "vitest";
import { exitCodeOf } from "#vault/errors.js";
import { CLI, errorCode, prepared, type Outcome, type Sandbox } from "../support/sandbox.js";
import { makeVault } from "../support/vault.js";

const SDK = resolve(import.meta.dirname, "../../sdk-node/dist/index.js");
const SECRET = "sk_live_4eC39HqLyjWDarjtT1zdp7dc";

const vault = prepared(
  async (box) => {
    await makeVault(box, { "stripe/api-key": SECRET, "db/url": "postgres://u:p@h/d" }, { bot: ["stripe"] });
  },
  { audit: true },
);

type Entry = Record<string, unknown>;

async function entries(box: Sandbox, ...flags: string[]): Promise<Entry[]> {
  return JSON.parse(await box.ok("audit", "--json", ...flags)) as Entry[];
}

const ledgerFiles = (box: Sandbox) => join(box.home, ".agent-vault", "ledger");
const report = (outcome: Outcome) =>
  JSON.parse(outcome.stdout.toString()) as { holds: boolean; rows: number; anchored: number; findings: Entry[] };

describe("the record", () => {
  it("holds who changed what and who used what, with the key that did it", async () => {
    const box = await vault();
    await box.ok("get", "stripe/api-key");
    await box.ok("get", "stripe/api-key", "--key", box.agentKey("bot"));
    await box.ok("peek", "db/url");
    expect((await box.cli(["get", "db/url", "--key", box.agentKey("bot")])).code).toBe(4);
    expect((await box.cli(["get", "db/nothing"])).code).toBe(3);
    expect((await box.cli(["revoke", "bot", "stripe", "--key", box.agentKey("bot")])).code).toBe(4);
    const all = await entries(box, "--last", "100");
    expect(all.map(({ who, action, secrets, outcome }) => [who, action, secrets, outcome])).toEqual([
      ["eric", "init", [], "done"],
      ["eric", "set", ["stripe/api-key"], "done"],
      ["eric", "set", ["db/url"], "done"],
      ["eric", "add-agent", [], "done"],
      ["eric", "grant", ["stripe/api-key"], "done"],
      ["eric", "get", ["stripe/api-key"], "done"],
      ["bot", "get", ["stripe/api-key"], "done"],
      ["eric", "peek", ["db/url"], "done"],
      ["bot", "get", ["db/url"], "denied"],
      ["eric", "get", ["db/nothing"], "failed"],
      ["bot", "revoke", undefined, "denied"],
    ]);
    expect(all[4]).toMatchObject({
      reason: "grant stripe to bot",
      branch: "main",
      folder: expect.stringMatching(/repository$/),
      repository: expect.stringMatching(/repository$/),
    });
    const recipient = readFileSync(join(box.vault, "agents/bot/public.key"), "utf8").trim();
    expect(all[6]).toMatchObject({ identity: recipient });
    expect(all[8]!["reason"]).toContain("[NOT_AUTHORIZED]");
    expect(JSON.stringify(all)).not.toContain(SECRET);
  });

  it("is kept by the Node SDK as well, and by a program that no key at home belongs to", async () => {
    const box = await vault();
    const program = `import { Vault } from ${JSON.stringify(SDK)};
      console.log(await new Vault({ repoPath: "." }).get("stripe/api-key"));`;
    const key = readFileSync(box.agentKey("bot"), "utf8").split("\n").at(-2)!;
    rmSync(box.agentKey("bot"));
    const outcome = await box.run(process.execPath, ["--input-type=module", "-e", program], { env: { AGENT_VAULT_KEY: key } });
    expect(outcome.stdout.toString().trim()).toBe(SECRET);
    expect((await entries(box, "--last", "1"))[0]).toMatchObject({ who: "bot", action: "get", outcome: "done" });
  });

  it("says which coding agent seems to be at work", async () => {
    const box = await vault();
    await box.cli(["peek", "db/url"], { env: { CLAUDECODE: "1" } });
    expect((await entries(box, "--last", "1"))[0]).toMatchObject({ harness: "claude-code" });
  });

  it("names the remote without its password, from a linked work tree too", async () => {
    const box = await vault();
    box.git("remote", "add", "origin", "https://eric:hunter2@git.example.com/team/app.git");
    const tree = join(box.root, "linked");
    box.git("worktree", "add", "--quiet", "-b", "feature/x", tree);
    await box.ok("-C", tree, "peek", "db/url");
    expect((await entries(box, "--last", "1"))[0]).toMatchObject({
      repository: "https://git.example.com/team/app.git",
      branch: "feature/x",
    });
  });
});

describe("what cannot be recorded", () => {
  const blocked: [name: string, code: string, block: (box: Sandbox) => void | Promise<void>][] = [
    [
      "a ledger's folder that is a file",
      "LEDGER_FOLDER",
      (box) => {
        rmSync(ledgerFiles(box), { recursive: true });
        writeFileSync(ledgerFiles(box), "");
      },
    ],
    [
      "a key of the ledger that is gone",
      "LEDGER_KEY",
      (box) => {
        for (const file of readdirSync(ledgerFiles(box))) if (file.endsWith(".key")) rmSync(join(ledgerFiles(box), file));
      },
    ],
    [
      "a key of the ledger that is another one's",
      "LEDGER_KEY",
      (box) => {
        for (const file of readdirSync(ledgerFiles(box)))
          if (file.endsWith(".key")) writeFileSync(join(ledgerFiles(box), file), "age-encryption.org/v1\n");
      },
    ],
    ["settings that are none", "INVALID_CONFIG", (box) => writeFileSync(join(box.home, ".agent-vault/ledger.json"), "{")],
  ];
  it.each(blocked)("does not happen: %s", async (_name, code, block) => {
    const box = await vault();
    await block(box);
    const state = readFileSync(join(box.vault, "vault.lock"), "utf8");
    for (const words of [
      ["get", "stripe/api-key"],
      ["set", "a/b"],
      ["grant", "bot", "db"],
    ]) {
      const outcome = await box.cli(words, { input: "value" });
      expect(errorCode(outcome), words.join(" ")).toBe(code);
      expect(outcome.stderr).toContain("AGENT_VAULT_AUDIT=off");
      expect(outcome.stdout.toString()).not.toContain(SECRET);
    }
    expect(readFileSync(join(box.vault, "vault.lock"), "utf8")).toBe(state);
    expect(box.git("status", "--porcelain")).toBe("");
    const off = await box.cli(["get", "stripe/api-key"], { env: { AGENT_VAULT_AUDIT: "off" } });
    expect(off.stdout.toString()).toBe(SECRET);
  });

  it("waits in the spool where the engine cannot be loaded, and needs none of it with the record off", async () => {
    const box = await vault();
    const preload = box.write(join(box.root, "no-addons.cjs"), `process.dlopen = () => { throw new Error("invalid ELF header"); };`);
    const nodeArgs = ["--require", preload];
    expect((await box.cli(["get", "stripe/api-key"], { nodeArgs })).stdout.toString()).toBe(SECRET);
    expect(await entries(box, "--action", "get")).toMatchObject([{ secrets: ["stripe/api-key"], outcome: "done", proven: true }]);
    const env = { AGENT_VAULT_AUDIT: "off" };
    for (const words of [
      ["get", "stripe/api-key"],
      ["set", "a/b"],
      ["grant", "bot", "db"],
      ["list"],
      ["check"],
      ["status"],
      ["verify"],
      ["peek", "a/b"],
      ["revoke", "bot", "db"],
    ])
      expect((await box.cli(words, { nodeArgs, env, input: "value" })).code, words.join(" ")).toBe(0);
    const diagnoses = JSON.parse((await box.cli(["doctor", "--json"], { nodeArgs, env })).stdout.toString()) as Entry[];
    expect(diagnoses.find(({ subject }) => subject === "audit")).toMatchObject({ state: "warning" });
    const unloaded = JSON.parse((await box.cli(["doctor", "--json"], { nodeArgs })).stdout.toString()) as Entry[];
    expect(unloaded.find(({ subject }) => subject === "engine")).toMatchObject({ state: "warning" });
  });

  it("shows as a gap where the record was off for a while", async () => {
    const box = await vault();
    const off = { env: { AGENT_VAULT_AUDIT: "off" }, input: "value" };
    await box.cli(["get", "stripe/api-key"], off);
    await box.cli(["set", "a/b"], off);
    expect(JSON.parse((await box.cli(["doctor", "--json"])).stdout.toString())).toContainEqual(
      expect.objectContaining({ subject: "ledger", state: "warning", remedy: expect.stringMatching(/\.$/) }),
    );
    await box.ok("get", "a/b");
    const [gap, use] = await entries(box, "--last", "2");
    expect(gap).toMatchObject({
      action: "audit",
      reason: expect.stringMatching(/\(AGENT_VAULT_AUDIT\): 2 times between 20\S+Z and 20\S+Z\.$/),
    });
    expect(use).toMatchObject({ action: "get", secrets: ["a/b"] });
    expect(report(await box.cli(["audit", "verify", "--json"]))).toMatchObject({ holds: true });
    await box.ok("get", "a/b");
    expect(await entries(box, "--action", "audit")).toHaveLength(1);
  });
});

describe("the ledger's key", () => {
  it("is opened by a key that came later, because another one of this machine opens it, and then by that key alone", async () => {
    const box = await vault();
    const elsewhere = await vault();
    await box.grant("bot", "db");
    // The agent was given a new key on another machine, and it was brought here.
    rmSync(elsewhere.repository, { recursive: true });
    cpSync(box.repository, elsewhere.repository, { recursive: true });
    await elsewhere.ok("recover-agent", "bot");
    rmSync(box.repository, { recursive: true });
    cpSync(elsewhere.repository, box.repository, { recursive: true });
    const key = join(box.root, "brought.key");
    cpSync(elsewhere.agentKey("bot"), key);
    await box.ok("get", "db/url", "--key", key);
    const home = join(box.root, "kept");
    renameSync(join(box.home, ".agent-vault"), home);
    mkdirSync(join(box.home, ".agent-vault"));
    cpSync(join(home, "ledger"), ledgerFiles(box), { recursive: true });
    await box.ok("get", "db/url", "--key", key);
    expect(await entries(box, "--last", "2", "--key", key)).toMatchObject([
      { who: "bot", action: "get" },
      { who: "bot", action: "get" },
    ]);
  });

  it("goes on with an owner's next key, and with agents that are made or restored here", async () => {
    const box = await vault();
    await box.addAgent("later");
    await box.ok("rotate-owner");
    await box.grant("later", "db");
    await box.ok("get", "db/url", "--key", box.agentKey("later"));
    const identities = join(box.root, "kept");
    renameSync(join(box.home, ".agent-vault"), identities);
    mkdirSync(join(box.home, ".agent-vault"));
    cpSync(join(identities, "ledger"), ledgerFiles(box), { recursive: true });
    for (const key of [join(identities, "agents/later.key"), join(identities, "owners", readdirSync(join(identities, "owners"))[0]!)])
      expect((await box.cli(["get", "db/url", "--key", key])).code, key).toBe(0);
  });
});

describe("audit", () => {
  it("chooses by every flag, and prints CSV that no spreadsheet takes for a formula", async () => {
    const box = await vault();
    await box.ok("get", "stripe/api-key", "--key", box.agentKey("bot"));
    await box.cli(["get", "db/url", "--key", box.agentKey("bot")]);
    const count = async (...flags: string[]) => (await entries(box, ...flags)).length;
    expect(await count("--agent", "bot")).toBe(2);
    expect(await count("--secret", "stripe/api-key")).toBe(3);
    expect(await count("--group", "db")).toBe(2);
    expect(await count("--outcome", "denied")).toBe(1);
    expect(await count("--action", "set")).toBe(2);
    expect(await count("--since", "1h")).toBe(7);
    expect(await count("--until", "1h")).toBe(0);
    expect(await count("--last", "3", "--agent", "eric")).toBe(3);
    expect(await count("--command", "nothing-like-it")).toBe(0);
    expect(errorCode(await box.cli(["audit", "--since", "yesterday"]))).toBe("INVALID_VALUE");
    mkdirSync(join(box.root, "=cmd"));
    await box.cli(["-C", join(box.root, "=cmd"), "peek", "db/url", "--json"]);
    const lines = (await box.ok("audit", "--csv", "--last", "1")).split("\r\n");
    expect(lines[0]).toBe(
      "id,time,action,outcome,who,identity,harness,secrets,command,folder,repository,branch,exit_code,reason,completed,hash,request,used,machine,proven",
    );
    expect(lines[1]).toMatch(/^\d+,20\d\d-.*Z,get,denied,bot,age1\w+,,"\[""db\/url""\]",,/);
  });

  it("goes on printing with --follow, each entry once, until its reader leaves", async () => {
    const box = await vault();
    const child = spawn(process.execPath, [CLI, "audit", "--follow", "--json", "--last", "1"], {
      cwd: box.repository,
      env: box.env,
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const next = async () => JSON.parse((await lines.next()).value as string) as Entry;
    expect(await next()).toMatchObject({ action: "grant" });
    await box.ok("get", "db/url");
    expect(await next()).toMatchObject({ action: "get", secrets: ["db/url"] });
    await box.ok("peek", "db/url");
    expect(await next()).toMatchObject({ action: "peek" });
    child.kill("SIGINT");
    expect((await once(child, "exit"))[1]).toBe("SIGINT");
  });

  it("verifies what the owner has signed for, and says what only that signature shows", async () => {
    const box = await vault();
    await box.ok("get", "db/url");
    const copy = join(box.root, "copy");
    cpSync(ledgerFiles(box), copy, { recursive: true, preserveTimestamps: true });
    expect(report(await box.cli(["audit", "verify", "--json"]))).toMatchObject({ holds: true, rows: 11, anchored: 9 });
    await box.ok("get", "db/url");
    await box.ok("audit", "anchor");
    expect(report(await box.cli(["audit", "verify", "--json"]))).toMatchObject({ holds: true, rows: 14, anchored: 13 });
    // An earlier copy of all of the ledger's files is put back.
    rmSync(ledgerFiles(box), { recursive: true });
    renameSync(copy, ledgerFiles(box));
    const verified = await box.cli(["audit", "verify", "--json"]);
    expect(verified.code).toBe(exitCodeOf("LEDGER_DAMAGED"));
    expect(report(verified).findings).toMatchObject([{ kind: "end-missing", shownBy: "anchor", row: 12 }]);
  });

  it("cuts old rows under the owner's signature, and nobody else's", async () => {
    const box = await vault();
    expect(errorCode(await box.cli(["audit", "prune", "--before", "2999-01-01", "--key", box.agentKey("bot")]))).toBe("NOT_AUTHORIZED");
    expect(JSON.parse(await box.ok("audit", "prune", "--before", "1h", "--json"))).toEqual({ cut: 0, rows: 10 });
    expect(JSON.parse(await box.ok("audit", "prune", "--before", "2999-01-01", "--json"))).toEqual({ cut: 10, rows: 11 });
    expect(report(await box.cli(["audit", "verify", "--json"]))).toMatchObject({ holds: true, rows: 11, cut: 10, anchored: 9 });
  });

  it("is exported as JSON lines from any row on, and to a collector with its headers", async () => {
    const box = await vault();
    const lines = (await box.ok("audit", "export")).trimEnd().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as Entry)["action"])).toEqual(["init", "set", "set", "add-agent", "grant"]);
    await box.ok("get", "db/url");
    expect((await box.ok("audit", "export", "--after", "10")).trimEnd().split("\n")).toHaveLength(1);

    const requests: { url?: string; key?: unknown; body: string }[] = [];
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        requests.push({ url: request.url!, key: request.headers["x-key"], body: Buffer.concat(chunks).toString() });
        response.writeHead(requests.length > 1 ? 403 : 200, { "content-type": "application/json" }).end("{}");
      });
    }).listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/logs`;
    const env = { OTEL_EXPORTER_OTLP_HEADERS: "x-key=abc" };
    expect(JSON.parse((await box.cli(["audit", "export", "--otlp", url, "--json"], { env })).stdout.toString())).toEqual({
      sent: 6,
      rows: 11,
    });
    expect(requests[0]).toMatchObject({ url: "/v1/logs", key: "abc" });
    const { resourceLogs } = JSON.parse(requests[0]!.body) as { resourceLogs: { scopeLogs: { logRecords: Entry[] }[] }[] };
    const records = resourceLogs[0]!.scopeLogs[0]!.logRecords;
    expect(records).toHaveLength(6);
    expect(JSON.stringify(records[4])).toContain("grant stripe to bot");
    const refused = await box.cli(["audit", "export", "--otlp", url], { env });
    expect(errorCode(refused)).toBe("FAILED");
    expect(errorCode(await box.cli(["audit", "export", "--otlp", "file:///etc"]))).toBe("USAGE");
  });

  it("sums up, and names what nobody uses", async () => {
    const box = await vault();
    await box.ok("get", "stripe/api-key", "--key", box.agentKey("bot"));
    await box.cli(["get", "db/url", "--key", box.agentKey("bot")]);
    await box.ok("audit", "prune", "--before", "2999-01-01");
    await box.ok("get", "stripe/api-key");
    await box.cli(["get", "stripe/api-kye"]);
    await box.cli(["run", "--secret", "db/url", "--key", box.agentKey("bot"), "--", "true"]);
    const summary = JSON.parse(await box.ok("audit", "summary", "--json")) as Record<string, Entry[]>;
    expect(summary["secrets"]).toMatchObject([
      { name: "stripe/api-key", uses: 1, denied: 0 },
      { name: "db/url", uses: 0, denied: 1 },
    ]);
    expect(summary["unusedSecrets"]).toEqual([]);
    expect(summary["unusedAgents"]).toEqual([]);
    expect((await box.ok("audit", "summary")).split("\n")[0]).toMatch(/^DAY +USES +DENIED +LAST$/);
  });
});

it("does not open a ledger that others may read or that is a link", async () => {
  const box = await vault();
  chmodSync(ledgerFiles(box), 0o755);
  await box.ok("get", "db/url");
  const { mode } = statSync(ledgerFiles(box));
  expect(mode & 0o777).toBe(0o700);
  renameSync(ledgerFiles(box), join(box.root, "moved"));
  symlinkSync(join(box.root, "moved"), ledgerFiles(box));
  expect(errorCode(await box.cli(["get", "db/url"]))).toBe("LEDGER_FOLDER");
  expect(existsSync(join(box.root, "moved"))).toBe(true);
});
