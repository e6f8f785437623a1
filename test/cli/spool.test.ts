import { appendFileSync, existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { randomBytes } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { parseRecipient } from "#vault/age/recipient.js";
import { loadKeys } from "#vault/keys/find-key.js";
import { sealHeader } from "#vault/spool/segment-header.js";
import { headerDigest, sealLine } from "#vault/spool/segment-lines.js";
import { formatSpoolRow } from "#vault/spool/spool-row.js";
import { rounds, SLOW, timeLimitMs } from "../support/slow.js";
import { errorCode, prepared, type Sandbox } from "../support/sandbox.js";
import { makeVault } from "../support/vault.js";

const SECRET = "sk_live_4eC39HqLyjWDarjtT1zdp7dc";
const SPOOL = { AGENT_VAULT_AUDIT: "spool" };

const vault = prepared(
  async (box) => {
    await makeVault(box, { "stripe/api-key": SECRET, "db/url": "postgres://u:p@h/d" }, { bot: ["stripe"] });
  },
  { audit: true },
);

type Entry = Record<string, unknown>;

async function entries(box: Sandbox, ...flags: string[]): Promise<Entry[]> {
  return JSON.parse(await box.ok("audit", "--json", "--action", "get", ...flags)) as Entry[];
}

/** The segments of the one spool of a machine. */
function segments(box: Sandbox): string[] {
  const ledger = join(box.home, ".agent-vault", "ledger");
  const folder = readdirSync(ledger).find((name) => name.endsWith(".spool"));
  return folder === undefined ? [] : readdirSync(join(ledger, folder)).map((name) => join(ledger, folder, name));
}

/** Reads in a process of its own, which is gone afterwards. */
const get = (box: Sandbox, path: string, env: Record<string, string> = SPOOL, ...flags: string[]) =>
  box.process(["get", path, ...flags], { env });

describe("the spool", () => {
  it("takes down a use, and the ledger takes it in once, with its own time and a proof", async () => {
    const box = await vault();
    expect((await get(box, "stripe/api-key", SPOOL, "--key", box.agentKey("bot"))).stdout.toString()).toBe(SECRET);
    const [file] = segments(box);
    expect(readFileSync(file!, "latin1")).not.toMatch(/stripe|bot|get/);
    const [entry, ...more] = await entries(box);
    expect(more).toEqual([]);
    expect(entry).toMatchObject({ who: "bot", secrets: ["stripe/api-key"], outcome: "done", proven: true });
    expect(entry!["used"]! <= entry!["time"]!).toBe(true);
    expect(segments(box)).toEqual([]);
    expect(await entries(box)).toHaveLength(1);
    expect(JSON.parse(await box.ok("audit", "verify", "--json"))).toMatchObject({ holds: true });
  });

  it("has a run's beginning and its end as one entry", async () => {
    const box = await vault();
    await box.process(["run", "--secret", "stripe/api-key", "--", "true"], { env: SPOOL });
    const runs = JSON.parse(await box.ok("audit", "--json", "--action", "run")) as Entry[];
    expect(runs).toMatchObject([{ outcome: "done", exit_code: 0, command: ["true"], proven: true }]);
  });

  it("stays for an owner's key where another key does not open it", async () => {
    const box = await vault();
    await get(box, "db/url");
    expect(await entries(box, "--key", box.agentKey("bot"))).toEqual([]);
    expect(segments(box)).toHaveLength(1);
    expect(await box.ok("doctor")).toContain("1 segment");
    expect(await entries(box)).toHaveLength(1);
  });

  it.each([
    ["a byte", (line: string) => line.replace(/^./, (letter) => (letter === "A" ? "B" : "A"))],
    ["two rows in each other's place", undefined],
  ])("shows that %s was changed, and keeps the rows before it", async (_, change) => {
    const box = await vault();
    const context = box.context({ env: { ...box.env, ...SPOOL } });
    const { chooseRecorder, SecretReader } = await import("#vault/read-only.js");
    const recorder = chooseRecorder(context, "get", () => {
      throw new Error("the ledger");
    });
    const reader = await SecretReader.open({ ...context, recorder }, box.vault);
    for (const path of ["stripe/api-key", "db/url", "stripe/api-key"]) await reader.read([path]);
    const [file] = segments(box);
    const lines = readFileSync(file!, "latin1").split("\n");
    if (change) lines[2] = change(lines[2]!);
    else [lines[2], lines[3]] = [lines[3]!, lines[2]!];
    writeFileSync(file!, lines.join("\n"));
    const outcome = await box.cli(["audit", "--json"]);
    expect(outcome.stderr).toContain("line 3");
    const all = JSON.parse(outcome.stdout.toString()) as Entry[];
    expect(all.filter(({ action }) => action === "get")).toHaveLength(1);
    expect(all.filter(({ action, outcome: ending }) => action === "audit" && ending === "failed")).toHaveLength(1);
    expect(segments(box).map((name) => name.endsWith(".damaged"))).toEqual([true]);
    expect((await box.cli(["audit"])).stderr).not.toContain("line 3");
  });

  it("that only a former owner's key opens stays, and is no error", async () => {
    const box = await vault();
    await get(box, "db/url");
    await box.ok("rotate-owner");
    await get(box, "stripe/api-key");
    expect((await entries(box)).map(({ secrets }) => secrets)).toContainEqual(["stripe/api-key"]);
    const waiting = segments(box).length;
    expect(waiting === 0 ? await box.ok("audit", "--json") : await box.ok("doctor")).toContain(
      waiting === 0 ? "db/url" : `${waiting} segment`,
    );
  });

  it("shows a row that was forged by one who knows an owner's recipient alone as not proven, and counts it as no use", async () => {
    const box = await vault();
    await get(box, "db/url");
    const { header, folder } = await headerLike(box);
    const summary = await box.ok("audit", "summary", "--json");
    const forged = { ...header, segment: "0f".repeat(16) };
    const first = await sealHeader(forged, [parseRecipient(header.identity)], undefined);
    const row = formatSpoolRow({
      time: new Date().toISOString(),
      event: { action: "get", outcome: "done", who: "eric", identity: header.identity, secrets: ["stripe/api-key"] },
    });
    writeFileSync(join(folder, forged.segment), `${first}\n${sealLine(header.key, headerDigest(first), 2, row)}\n`);
    const all = await entries(box);
    expect(all.map(({ secrets, proven }) => [secrets, proven])).toEqual([
      [["db/url"], true],
      [["stripe/api-key"], false],
    ]);
    expect(await box.ok("audit", "summary", "--json")).toBe(summary);
  });

  it("ignores a last line that was torn, which was never acknowledged", async () => {
    const box = await vault();
    await get(box, "stripe/api-key");
    appendFileSync(segments(box)[0]!, "AAAA");
    expect(await entries(box)).toHaveLength(1);
    expect(segments(box)).toEqual([]);
  });

  it(
    "is taken in by the million, with every row once",
    async () => {
      const box = await vault();
      const count = rounds(5000, 1_000_000, "SPOOL_ROWS");
      await get(box, "db/url");
      const { header: like, folder, identity } = await headerLike(box);
      const { identity: recipient, key } = like;
      const row = formatSpoolRow({
        time: new Date().toISOString(),
        event: { action: "get", outcome: "done", who: "eric", identity: recipient, secrets: ["db/url"] },
      });
      for (let rest = count; rest > 0; rest -= 40_000) {
        const segment = randomBytes(16).toString("hex");
        const header = { ...like, segment };
        const first = await sealHeader(header, [parseRecipient(recipient)], identity);
        const lines = Array.from({ length: Math.min(rest, 40_000) }, (_, index) => sealLine(key, headerDigest(first), index + 2, row));
        writeFileSync(join(folder, segment), `${[first, ...lines].join("\n")}\n`);
      }
      const start = performance.now();
      await box.ok("audit", "--last", "1");
      expect(performance.now() - start).toBeLessThan(120_000);
      expect(JSON.parse(await box.ok("audit", "verify", "--json"))).toMatchObject({ holds: true });
      const { rows } = JSON.parse(await box.ok("status", "--json")).audit;
      expect(rows).toBeGreaterThanOrEqual(count);
      expect(await entries(box, "--last", "2")).toMatchObject([{ proven: true }, { proven: true }]);
    },
    timeLimitMs(600_000),
  );

  it("is collected from other machines, each row once, and not from its own folder", async () => {
    const [box, other] = [await vault(), await vault()];
    await get(other, "stripe/api-key");
    const [file] = segments(other);
    await get(box, "db/url");
    const put = join(segments(box)[0]!, "..", file!.split("/").at(-1)!);
    writeFileSync(put, readFileSync(file!));
    const shown = await box.cli(["audit", "--json", "--action", "get"]);
    expect(JSON.parse(shown.stdout.toString())).toHaveLength(1);
    expect(shown.stderr).toContain("audit collect");
    renameSync(put, join(box.root, "elsewhere"));
    for (const rows of [1, 0]) {
      expect(JSON.parse(await box.ok("audit", "collect", "--json", file!))).toMatchObject({ segments: 1, rows });
    }
    expect(existsSync(file!)).toBe(true);
    expect((await entries(box)).map(({ secrets }) => secrets)).toEqual([["db/url"], ["stripe/api-key"]]);
    expect(errorCode(await box.cli(["audit", "collect", box.ownerKey]))).toBe("LEDGER_DAMAGED");
    expect(errorCode(await box.cli(["audit", "collect", join(box.root, "nothing")]))).toBe("FILE_NOT_FOUND");
  });
});

/** A header such as this machine would write, by another process. */
async function headerLike(box: Sandbox) {
  const { identities } = await loadKeys(box.context());
  const folder = dirname(segments(box)[0]!);
  const header = {
    vault: basename(folder, ".spool"),
    segment: randomBytes(16).toString("hex"),
    key: randomBytes(32),
    machine: readFileSync(join(folder, "../machine"), "utf8").trim(),
    writer: { pid: 4_194_305, start: "1", host: "elsewhere" },
    started: "",
    identity: await identities[0]!.recipient(),
  };
  return { header, folder, identity: identities[0]! };
}

describe("AGENT_VAULT_AUDIT", () => {
  it("writes JSON lines to a file, or to standard error", async () => {
    const box = await vault();
    const file = join(box.root, "audit.jsonl");
    expect((await get(box, "stripe/api-key", { AGENT_VAULT_AUDIT: `file:${file}` })).code).toBe(0);
    expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({
      action: "get",
      outcome: "done",
      who: "eric",
      secrets: ["stripe/api-key"],
    });
    const { stderr } = await get(box, "stripe/api-key", { AGENT_VAULT_AUDIT: "stderr" });
    expect(JSON.parse(stderr)).toMatchObject({ action: "get", outcome: "done" });
  });

  it.each(["leger", "file:", "file:audit.jsonl"])("refuses %s", async (value) => {
    const box = await vault();
    const outcome = await get(box, "stripe/api-key", { AGENT_VAULT_AUDIT: value });
    expect([errorCode(outcome), outcome.stdout.toString()]).toEqual(["USAGE", ""]);
  });

  it("is what the owner has signed, or nothing is read", async () => {
    const box = await vault();
    const config = join(box.vault, "config.yaml");
    writeFileSync(config, `${readFileSync(config, "utf8")}settings:\n  audit:\n    allow: [ledger, otlp]\n`);
    await box.sign();
    for (const value of ["off", "spool", "stderr", `file:${box.root}/x`]) {
      const outcome = await get(box, "stripe/api-key", { AGENT_VAULT_AUDIT: value });
      expect([errorCode(outcome), outcome.stdout.toString()]).toEqual(["LEDGER_UNAVAILABLE", ""]);
    }
    expect((await get(box, "stripe/api-key", {})).stdout.toString()).toBe(SECRET);
  });

  it("is an error with its way on where nothing can be written", async () => {
    const box = await vault();
    writeFileSync(join(box.root, "no-folder"), "");
    const outcome = await get(box, "stripe/api-key", {
      ...SPOOL,
      AGENT_VAULT_HOME: join(box.root, "no-folder"),
      AGENT_VAULT_KEY: box.ownerKey,
    });
    expect([errorCode(outcome), outcome.stdout.toString()]).toEqual(["UNWRITABLE", ""]);
    expect(outcome.stderr).toMatch(/AGENT_VAULT_HOME.*otlp, stderr or file:PATH/s);
    const full = await get(box, "stripe/api-key", { AGENT_VAULT_AUDIT: "file:/dev/full" });
    expect([errorCode(full), full.stdout.toString()]).toEqual(["DISK_FULL", ""]);
  });
});

describe("a collector", () => {
  it.each([
    ["200 {}", 200, "{}", true],
    ["204", 204, "", true],
    ["200 with none rejected", 200, '{"partialSuccess":{"rejectedLogRecords":"0"}}', true],
    ["200 with one rejected", 200, '{"partialSuccess":{"rejectedLogRecords":"1"}}', false],
    ["a page", 200, "<html>Sign in</html>", false],
    ["400", 400, "{}", false],
    ["a redirect", 307, "", false],
  ])("that answers %s", async (_, status, body, isTaken) => {
    const box = await vault();
    const { url, bodies } = await collector(() => [status, body]);
    const outcome = await get(box, "stripe/api-key", otlp(url));
    expect([outcome.stdout.toString(), errorCode(outcome)]).toEqual(isTaken ? [SECRET, undefined] : ["", "LEDGER_UNAVAILABLE"]);
    expect(bodies).toHaveLength(1);
    expect(bodies[0]).not.toContain(SECRET);
    const [{ attributes }] = JSON.parse(bodies[0]!).resourceLogs[0].scopeLogs[0].logRecords;
    expect(attributes).toContainEqual({
      key: "agent_vault.secrets",
      value: { arrayValue: { values: [{ stringValue: "stripe/api-key" }] } },
    });
  });

  it.skipIf(!SLOW)("that is slow refuses the read after five seconds", async () => {
    const box = await vault();
    const silent = createServer(() => {});
    await new Promise<void>((ready) => void silent.listen(0, "127.0.0.1", ready));
    onTestFinished(() => silent.closeAllConnections());
    onTestFinished(() => void silent.close());
    const began = performance.now();
    const outcome = await get(box, "stripe/api-key", otlp(`http://127.0.0.1:${(silent.address() as AddressInfo).port}`));
    expect([errorCode(outcome), outcome.stdout.toString()]).toEqual(["LEDGER_UNAVAILABLE", ""]);
    expect(performance.now() - began).toBeGreaterThan(4900);
  });

  it("that is busy is asked again, and one that is down, far away or in the clear refuses the read", async () => {
    const box = await vault();
    let count = 0;
    const { url, bodies } = await collector(() => (count++ === 0 ? [503, ""] : [200, "{}"]));
    expect((await get(box, "stripe/api-key", otlp(url))).stdout.toString()).toBe(SECRET);
    expect(bodies).toHaveLength(2);
    for (const bad of ["http://127.0.0.1:1", "http://collector.example", "nonsense", ""]) {
      expect(errorCode(await get(box, "stripe/api-key", otlp(bad)))).toBe("LEDGER_UNAVAILABLE");
    }
  });
});

const otlp = (url: string) => ({ AGENT_VAULT_AUDIT: "otlp", OTEL_EXPORTER_OTLP_ENDPOINT: url });

/** A collector on loopback that answers as it is told. */
async function collector(answer: () => readonly [status: number, body: string]): Promise<{ url: string; bodies: string[] }> {
  const bodies: string[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      bodies.push(Buffer.concat(chunks).toString());
      const [status, body] = answer();
      response.writeHead(status, status === 307 ? { location: "/elsewhere" } : {}).end(body);
    });
  });
  await new Promise<void>((ready) => void server.listen(0, "127.0.0.1", ready));
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bodies };
}
