import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { parseIdentity } from "#vault/age/identity.js";
import { parseRecipient } from "#vault/age/recipient.js";
import { processContext } from "#vault/context.js";
import { VaultError } from "#vault/errors.js";
import { invocationContext } from "#vault/record/invocation-context.js";
import { SegmentReader } from "#vault/spool/read-segment.js";
import { formatHeader, isProvenBy, sealHeader } from "#vault/spool/segment-header.js";
import { headerDigest, sealLine } from "#vault/spool/segment-lines.js";
import { formatSpoolRow } from "#vault/spool/spool-row.js";
import { decidedByNode, nulls, policies, requests, type ReadCase } from "./read-cases.js";
import { events, spoolCase, type EventCase } from "./spool-cases.js";

// With WRITE_VECTORS=1 the committed vectors are made again; else what Node does is held to them. Python is by sdk-python/tests/test_vectors.py.
const WRITES = process.env["WRITE_VECTORS"] === "1";
const FIXTURES = resolve(import.meta.dirname, "../../fixtures");
const keyOf = (name: string) => /^AGE-SECRET-KEY-1.*$/m.exec(readFileSync(join(FIXTURES, `conformance/keys/${name}.key`), "utf8"))![0];

function vectors<T>(file: string, make: () => T): T {
  const path = join(FIXTURES, file);
  if (WRITES) writeFileSync(path, formatCases(make()));
  return JSON.parse(readFileSync(path, "utf8")) as T;
}

/** A case a line, so that a change of one shows as one. */
function formatCases(cases: unknown): string {
  if (!Array.isArray(cases)) return `${JSON.stringify(cases, undefined, 2)}\n`;
  return `[\n${cases.map((one) => JSON.stringify(one)).join(",\n")}\n]\n`;
}

interface Decided {
  readonly policy: string;
  /** `null` for what cannot be told. */
  readonly request: Readonly<Record<string, string | null>>;
  readonly decision: unknown;
}

describe("fixtures/policy", () => {
  it("says what a policy decides on a read", () => {
    const cases = vectors<Decided[]>("policy/read.json", () =>
      [...PITFALLS, ...generatedReads()].map(([policy, request]) => ({
        policy,
        request: nulls(request) as Decided["request"],
        decision: decidedByNode(policy, request),
      })),
    );
    expect(cases.length).toBeGreaterThan(500);
    for (const { policy, request, decision } of cases)
      expect([policy, request, decidedByNode(policy, withoutNulls(request) as unknown as ReadCase)]).toEqual([policy, request, decision]);
  });

  it("says which repository and branch a read is of, by the files of git's folder", () => {
    for (const { name, files, vault, repository, branch } of vectors("policy/git.json", () => GIT_FOLDERS)) {
      const folder = mkdtempSync(join(tmpdir(), "agent-vault-vectors-"));
      onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
      for (const [file, text] of Object.entries(files)) {
        mkdirSync(dirname(join(folder, file)), { recursive: true });
        writeFileSync(join(folder, file), text.replaceAll("FOLDER", folder));
      }
      const found = invocationContext(processContext({ env: {}, cwd: folder }), join(folder, vault));
      expect([name, found.repository, found.branch ?? null]).toEqual([name, repository.replace("FOLDER", folder), branch]);
    }
  });
});

describe("fixtures/spool", () => {
  const identity = keyOf("bot");

  it("has the bytes of rows, of lines and of collectors' requests", () => {
    const cases = vectors("spool/rows.json", () =>
      fc.sample(events, { numRuns: 16, seed: 2026 }).map((event, index) => {
        const { sent, written } = spoolCase(event, index, identity);
        const { key: _, ...rest } = sent;
        return { sent: rest, written: written.bytes };
      }),
    );
    for (const [index, { sent, written }] of cases.entries()) {
      const event = withoutNulls(sent.event) as unknown as EventCase;
      expect(spoolCase(event, index, identity).written.bytes).toEqual(written);
    }
  });

  it("has segments, whole and not, and what a reader makes of each", async () => {
    if (WRITES) writeFileSync(join(FIXTURES, "spool/segments.json"), formatCases(await makeSegments()));
    const { segments, key, header, rows } = JSON.parse(readFileSync(join(FIXTURES, "spool/segments.json"), "utf8")) as Segments;
    const folder = mkdtempSync(join(tmpdir(), "agent-vault-vectors-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    for (const { name, content, rows: count, error, with: holder = "bot" } of segments) {
      writeFileSync(join(folder, name), content, "latin1");
      expect([name, await readSegment(join(folder, name), holder)]).toEqual([name, { rows: rows.slice(0, count), error: error ?? null }]);
    }
    // The bytes after the first line follow from it.
    const [first, ...lines] = segments[0]!.content.trimEnd().split("\n");
    expect(lines).toEqual(rows.map((row, index) => sealLine(Buffer.from(key, "base64"), headerDigest(first!), index + 2, row)));
    const reader = (await SegmentReader.open(join(folder, segments[0]!.name), [parseIdentity(identity)]))!;
    reader.close();
    expect(isProvenBy(reader.header, parseIdentity(identity))).toBe(true);
    expect(formatHeader(reader.header, reader.header.proof)).toBe(header);
  });
});

/** What {@link nulls} made `null` is `undefined` again. */
function withoutNulls(fields: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]: [string, unknown]) => [name, value ?? undefined]));
}

interface Segments {
  /** The rows' key, in base64. */
  readonly key: string;
  /** What the age file of the first line holds. */
  readonly header: string;
  readonly rows: readonly string[];
  readonly segments: readonly {
    readonly name: string;
    readonly content: string;
    /** How many of the rows a reader gives out, and the code of the error that it ends with. */
    readonly rows: number;
    readonly error?: string;
    /** Whose key reads; `bot` unless said. */
    readonly with?: string;
  }[];
}

async function readSegment(file: string, holder: string): Promise<{ rows: string[]; error: string | null }> {
  const rows: string[] = [];
  try {
    const reader = await SegmentReader.open(file, [parseIdentity(keyOf(holder))]);
    try {
      for (const { row } of reader?.rows() ?? []) rows.push(formatSpoolRow(row));
    } finally {
      reader?.close();
    }
  } catch (error) {
    if (error instanceof VaultError) return { rows, error: error.code };
    throw error;
  }
  return { rows, error: null };
}

async function makeSegments(): Promise<Segments> {
  const bot = parseIdentity(keyOf("bot"));
  const recipients = await Promise.all(["owner", "bot"].map(async (name) => parseRecipient(await parseIdentity(keyOf(name)).recipient())));
  const vault = "898c73ea-389b-4e08-bed1-cf99ae1bfee5";
  const writer = { pid: 7, start: "99", host: "abcdef" };
  const started = "2026-11-29T01:02:03.004Z";
  const machine = "m0123456789abcdef";
  const key = new Uint8Array(createHash("sha256").update("the key of a segment").digest());
  const header = { vault, segment: "0a".repeat(16), key, machine, writer, started, identity: await bot.recipient() };
  const rows = Array.from({ length: 4 }, (_, index) =>
    formatSpoolRow({
      time: `2026-11-29T01:02:03.0${index}0Z`,
      event: { action: "get", outcome: "done", who: "bot", identity: header.identity, secrets: ["stripe/api-key".repeat(1 + index * 9)] },
    }),
  );
  const first = await sealHeader(header, recipients, bot);
  const lines = rows.map((row, index) => sealLine(key, headerDigest(first), index + 2, row));
  const other = await sealHeader({ ...header, segment: "0b".repeat(16) }, recipients, bot);
  const text = (...all: string[]) => `${all.join("\n")}\n`;
  const changed = (line: string) => `${line.slice(0, 40)}${line[40] === "A" ? "B" : "A"}${line.slice(41)}`;
  const [one, two, three, four] = lines as [string, string, string, string];
  const file = Buffer.from(first.split(" ")[3]!, "base64");
  file[file.length - 20]! ^= 1;
  const damaged = `${first.split(" ").slice(0, 3).join(" ")} ${file.toString("base64")}`;
  return {
    key: Buffer.from(key).toString("base64"),
    header: (await openedText(first)) ?? "",
    rows,
    segments: [
      { name: "whole", content: text(first, ...lines), rows: 4 },
      { name: "read by an owner", content: text(first, ...lines), rows: 4, with: "owner" },
      { name: "read with a key of others", content: text(first, ...lines), rows: 0, error: "NOT_AUTHORIZED", with: "idle" },
      { name: "a torn last line", content: text(first, one, two) + three.slice(0, 50), rows: 2 },
      { name: "a last line without its line feed", content: text(first, one) + two, rows: 1 },
      { name: "a torn first line", content: first.slice(0, 200), rows: 0 },
      { name: "empty", content: "", rows: 0 },
      { name: "a dropped tail, which nothing shows", content: text(first, one, two), rows: 2 },
      { name: "a changed row", content: text(first, one, changed(two), three), rows: 1, error: "LEDGER_DAMAGED" },
      { name: "two rows in each other's place", content: text(first, one, three, two), rows: 1, error: "LEDGER_DAMAGED" },
      { name: "a row twice", content: text(first, one, one), rows: 1, error: "LEDGER_DAMAGED" },
      { name: "a row left out", content: text(first, one, three, four), rows: 1, error: "LEDGER_DAMAGED" },
      { name: "an empty line", content: text(first, one, "", two), rows: 1, error: "LEDGER_DAMAGED" },
      { name: "rows below another first line", content: text(other, ...lines), rows: 0, error: "LEDGER_DAMAGED" },
      { name: "a first line that was changed", content: text(damaged, ...lines), rows: 0, error: "LEDGER_DAMAGED" },
      {
        name: "a first line that names another segment",
        content: text(first.replace("0a0a", "0b0b"), ...lines),
        rows: 0,
        error: "LEDGER_DAMAGED",
      },
      { name: "no segment", content: "# key\nAGE\n", rows: 0, error: "LEDGER_DAMAGED" },
      { name: "of a later version", content: text(first.replace("avspool1", "avspool2"), ...lines), rows: 0, error: "LEDGER_NEWER" },
    ],
  };
}

async function openedText(first: string): Promise<string | undefined> {
  const { openHeader } = await import("#vault/spool/segment-header.js");
  const opened = await openHeader(first, [parseIdentity(keyOf("bot"))]);
  return opened && formatHeader(opened, opened.proof);
}

function generatedReads(): [string, ReadCase][] {
  return fc
    .sample(fc.tuple(policies, requests), { numRuns: 500, seed: 2026 })
    .map(([policy, request]) => [JSON.stringify(policy), request]);
}

const ASKED: ReadCase = {
  secret: "stripe/api-key",
  agent: "billing",
  user: "eric",
  repository: "https://github.com/acme/shop.git",
  branch: "main",
  environment: undefined,
  service: undefined,
  harness: undefined,
};
const rules = (text: string, version = 1) => `version: ${version}\nrules:\n${text}`;
const allowing = (condition: string) => rules(`  - secrets: "**"\n    allow: {${condition}}\n`);

/** Where one language would decide otherwise, were nothing done about it. */
const PITFALLS: [string, ReadCase][] = [
  // Lower case beyond ASCII.
  [allowing("agents: live"), { ...ASKED, agent: "l\u0131ve" }],
  [allowing("agents: kim"), { ...ASKED, agent: "\u212aim" }],
  [allowing("agents: stra\u00dfe"), { ...ASKED, agent: "STRASSE" }],
  [allowing("agents: \u00c4mma"), { ...ASKED, agent: "\u00e4mma" }],
  // What `*` and `**` take: line ends, separators, characters beyond the first plane.
  ...["\n", "\r", "\u0085", "\u2028", "\u2029", "\u{1d11e}"].flatMap((one): [string, ReadCase][] => [
    [allowing('branches: "x*y"'), { ...ASKED, branch: `x${one}y` }],
    [allowing('branches: "x**y"'), { ...ASKED, branch: `x${one}y` }],
  ]),
  // White space around a value.
  ...["\u00a0", "\ufeff", "\u001c", "\u0085"].map((one): [string, ReadCase] => [allowing(`agents: "billing${one}"`), ASKED]),
  // Names that are numbers, and none.
  [allowing("agents: 1"), { ...ASKED, agent: "1" }],
  [allowing('agents: ""'), { ...ASKED, agent: "" }],
  [allowing("environments: production"), ASKED],
  [allowing('environments: "*"'), ASKED],
  // Spellings of a repository.
  [allowing("repositories: github.com/acme/shop"), { ...ASKED, repository: "git@github.com:acme/shop.git" }],
  [allowing("repositories: github.com/acme/shop"), { ...ASKED, repository: "ssh://git@GitHub.com:22/acme/shop/" }],
  [allowing("repositories: github.com/acme/shop"), { ...ASKED, repository: "https://github.com/acme/shopping" }],
  // Versions: a later one, and what only version 2 knows.
  [rules('  - secrets: "**"\n    allow: all\n', 3), ASKED],
  ["version: 2\n", ASKED],
  ["version: 1\n", ASKED],
  ["version: 1\nrules: []\n", ASKED],
  [rules('  - secrets: "**"\n    allow: all\n    destinations: [x]\n', 2), ASKED],
  [rules('  - secrets: "**"\n    allow: {planets: mars}\n'), ASKED],
  [rules('  - secrets: "**"\n    allow: {actions: [fly]}\n'), ASKED],
  // Spellings of YAML.
  [rules('  - secrets: "**"\n    allow: all\n').replaceAll("\n", "\r\n"), ASKED],
  [rules('  - secrets: "**"\n    allow: all\n    allow: all\n'), ASKED],
  [rules("  - secrets: **\n    allow: all\n"), ASKED],
  ["", ASKED],
];

interface GitFolder {
  readonly name: string;
  /** Each file's text by its path; `FOLDER` is the folder that they are in. */
  readonly files: Readonly<Record<string, string>>;
  readonly vault: string;
  readonly repository: string;
  readonly branch: string | null;
}

const CONFIG = '[core]\n\tbare = false\n[remote "origin"]\n\turl = https://u:p@github.com/acme/shop.git\n';
const GIT_FOLDERS: GitFolder[] = [
  gitFolder("a clone", { ".git/config": CONFIG, ".git/HEAD": "ref: refs/heads/main\n" }),
  gitFolder("line ends of Windows", { ".git/config": CONFIG.replaceAll("\n", "\r\n"), ".git/HEAD": "ref: refs/heads/main\r\n" }),
  gitFolder("a detached HEAD", { ".git/config": CONFIG, ".git/HEAD": `${"a".repeat(40)}\n` }, { branch: null }),
  gitFolder("a branch with slashes", { ".git/config": CONFIG, ".git/HEAD": "ref: refs/heads/release/1.x\n" }, { branch: "release/1.x" }),
  gitFolder("no remote", { ".git/config": "[core]\n", ".git/HEAD": "ref: refs/heads/main\n" }, { repository: "FOLDER" }),
  gitFolder("no configuration", { ".git/HEAD": "ref: refs/heads/main\n" }, { repository: "FOLDER" }),
  gitFolder("a remote of another name", {
    ".git/config": CONFIG.replace("origin", "upstream"),
    ".git/HEAD": "ref: refs/heads/main\n",
  }),
  gitFolder("two remotes", {
    ".git/config": `[remote "fork"]\n\turl = git@example.com:me/shop\n${CONFIG}`,
    ".git/HEAD": "ref: refs/heads/main\n",
  }),
  gitFolder(
    "a URL in quotes, and one of another section",
    {
      ".git/config": '[branch "main"]\n  url = no\n[REMOTE "origin"]\n  URL="git@example.com:me/shop" \n',
      ".git/HEAD": "ref: refs/heads/main\n",
    },
    { repository: "git@example.com:me/shop" },
  ),
  gitFolder(
    "a linked work tree",
    {
      "main/.git/config": CONFIG,
      "main/.git/HEAD": "ref: refs/heads/main\n",
      "main/.git/worktrees/linked/HEAD": "ref: refs/heads/topic\n",
      "main/.git/worktrees/linked/commondir": "../..\n",
      "linked/.git": "gitdir: FOLDER/main/.git/worktrees/linked\n",
    },
    { vault: "linked/.agent-vault", branch: "topic" },
  ),
  gitFolder(
    "a submodule, with line ends of Windows",
    {
      ".git/config": '[remote "origin"]\n\turl = https://example.com/outer.git\n',
      ".git/modules/inner/config": CONFIG,
      ".git/modules/inner/HEAD": "ref: refs/heads/main\n",
      "inner/.git": "gitdir: ../.git/modules/inner\r\n",
    },
    { vault: "inner/.agent-vault" },
  ),
  gitFolder("a vault below the top", { ".git/config": CONFIG, ".git/HEAD": "ref: refs/heads/main\n" }, { vault: "a/b/.agent-vault" }),
];

function gitFolder(name: string, files: Readonly<Record<string, string>>, differs: Partial<GitFolder> = {}): GitFolder {
  return { name, files, vault: ".agent-vault", repository: "https://github.com/acme/shop.git", branch: "main", ...differs };
}
