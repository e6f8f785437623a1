import { spawn, type ChildProcess } from "node:child_process";
import { cpSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { Vault } from "#sdk-node/vault.js";
import { set, sign } from "#vault/index.js";
import { makeVault } from "../support/vault.js";
import { toolsOf } from "#mcp/tools/tools.js";
import { Served } from "../support/mcp-client.js";
import { ANY_USE } from "../support/policy.js";
import { errorCode, prepared, type Sandbox } from "../support/sandbox.js";
import { SLOW, timeLimitMs } from "../support/slow.js";

const COMMANDS = resolve(import.meta.dirname, "../../packages/cli/src/commands");
const WRITER = join(import.meta.dirname, "half-writer.mjs");
const SECRET = "shared/token";

/** What of the next state is in place while a reader comes. */
const HALVES = [["vault.lock"], [`secrets/${SECRET}.enc`, `secrets/${SECRET}.meta`]];
/** The half at which commands are processes of their own. */
const [HALF_FOR_PROCESSES] = HALVES;
/** Commands of each kind that are always processes of their own: a read, an overview, a use, a change, a look at the remote, and the audit log's. */
const AS_PROCESSES = ["get", "list", "run", "set", "sync", "audit"];

/** The doors to try at a half: all of them where tests may take long; else each is tried at one half, `atFirst` at the first. */
const doorsAt = (half: readonly string[], doors: readonly string[], atFirst: readonly string[] = []): string[] =>
  doors.filter((door, index) => SLOW || half === HALVES[atFirst.includes(door) ? 0 : index % HALVES.length]);

/** How each command is called that opens the vault, and what it changes, if anything, is changed after the writer is done. */
const CALLS: Readonly<Record<string, readonly string[]>> = {
  "add-agent": ["cat"],
  "add-owner": ["erin", "--key-out", "erin.key"],
  audit: [],
  "audit anchor": [],
  "audit collect": ["."],
  "audit export": [],
  "audit prune": ["--before", "2020-01-01"],
  "audit summary": [],
  "audit verify": [],
  check: [],
  delete: [SECRET],
  doctor: [],
  get: [SECRET],
  grant: ["bob", "other"],
  "index rebuild": [],
  inject: ["template"],
  lease: [SECRET],
  leases: [],
  list: [],
  "list-agents": [],
  "list-owners": [],
  move: [SECRET, "shared/moved"],
  "owner allowed-signers": [],
  "owner keys": [],
  peek: [SECRET],
  "policy check": [],
  "policy explain": ["--secret", SECRET],
  "profile exec": ["tool", "--", "true"],
  "profile mint": ["tool"],
  "recover-agent": ["bob"],
  "remove-agent": ["bob"],
  "remove-owner": ["olga"],
  "restore-agent": ["bob"],
  revoke: ["bob", "shared"],
  "revoke-all": ["--yes"],
  "rotate-owner": ["--recover-agents"],
  run: ["--secret", SECRET, "--", "true"],
  "session end": ["none"],
  "session list": [],
  "session start": [],
  set: [SECRET, "--keep-value", "--description", "a token"],
  sign: ["--renew"],
  status: [],
  sync: [],
  "token list": [],
  "token mint": ["--secret", SECRET],
  "token revoke": ["none"],
  "token verify": ["none"],
  verify: [],
};

/** Commands that cannot do their work here, as they are given nothing that exists: the code that says so. */
const REFUSED: Readonly<Record<string, string>> = {
  "session end": "SESSION_NOT_FOUND",
  "token revoke": "TOKEN_NOT_FOUND",
  "token verify": "TOKEN_INVALID",
};

/** Commands that verify no vault: they make one, set up a program, or read nothing but a token, a profile or files outside of it. */
const WITHOUT_VAULT = [
  "completions",
  "hook install",
  "hook status",
  "hook uninstall",
  "init",
  "mcp",
  "mcp install",
  "mcp uninstall",
  "policy init",
  "profile list",
  "profile show",
  "scan",
  "token attenuate",
  "token inspect",
];

/** Another process that changes the vault, and stops half-way until another process waits for it. */
class Writer {
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;

  private constructor(box: Sandbox, half: readonly string[]) {
    this.#process = spawn(process.execPath, [WRITER, box.repository, nextVault(box), ...half], {
      env: box.env,
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#ended = new Promise((done) => this.#process.once("close", done));
  }

  static async start(box: Sandbox, half: readonly string[]): Promise<Writer> {
    const writer = new Writer(box, half);
    const isHalfWay = new Promise((done) => writer.#process.stdout!.once("data", done));
    await Promise.race([isHalfWay, writer.#ended]);
    if (writer.#process.exitCode !== null) throw new Error("The writer ended before it was half-way.");
    return writer;
  }

  /** Lets it finish, where nobody waited for it. */
  async end(): Promise<void> {
    this.#process.stdin!.end();
    if ((await this.#ended) !== 0) throw new Error("The writer failed.");
  }
}

const machine = prepared(
  async (box) => {
    await makeVault(box, { [SECRET]: "the first value", "other/token": "another value" }, { bob: ["shared"] });
    await box.ok("add-owner", "olga", "--key-out", "olga.key");
    box.write(".agent-vault/policy.yaml", ANY_USE);
    await sign(box.context(), { vault: box.vault, approve: () => true });
    box.write("template", `token = {{ vault://${SECRET} }}\n`);
    box.write("../home/.config/agent-vault/profiles.toml", `[tool]\nsecrets = ["${SECRET}"]\n`);
    // The next state is made on a machine that remembers it, and this one does not.
    const next = await box.copy();
    await set(next.context(), { vault: next.vault, path: SECRET, value: Buffer.from("the second value") });
    cpSync(next.vault, nextVault(box), { recursive: true });
  },
  { audit: true },
);

/** Where a machine has the files of the next state. */
const nextVault = (box: Sandbox) => join(box.home, "next");

/** Runs `door` on a machine where another process is half-way to the next state. */
async function halfWritten<T>(half: readonly string[], door: (box: Sandbox) => Promise<T> | T): Promise<T> {
  const box = await machine();
  box.addRemote();
  const writer = await Writer.start(box, half);
  try {
    return await door(box);
  } finally {
    await writer.end();
  }
}

describe("while another process is half-way through a change", { timeout: timeLimitMs(300_000) }, () => {
  it("has a case here for every command", () => {
    const files = readdirSync(COMMANDS, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
    const commands = files.map((file) => file.replace(/\.ts$/, "").replaceAll(/[/\\]/g, " "));
    expect(commands.toSorted()).toEqual([...Object.keys(CALLS), ...WITHOUT_VAULT].toSorted());
  });

  describe.each(HALVES.map((half) => [half.join(" and "), half] as const))("and only %s is there", (_files, half) => {
    it.each(doorsAt(half, Object.keys(CALLS), AS_PROCESSES))("%s waits for it, and does its work", async (command) => {
      const result = await halfWritten(half, (box) => {
        const words = [...command.split(" "), ...CALLS[command]!];
        return half === HALF_FOR_PROCESSES && (SLOW || AS_PROCESSES.includes(command)) ? box.process(words) : box.here(words);
      });
      expect([errorCode(result), result.stderr]).toEqual([REFUSED[command], expect.any(String)]);
      if (!(command in REFUSED)) expect(result.code).toBe(0);
    });

    const path = SECRET;
    const methods: Readonly<Record<string, (vault: Vault) => unknown>> = {
      get: async (vault) => expect(await vault.get(path)).toBe("the second value"),
      getBytes: (vault) => vault.getBytes(path),
      getMany: (vault) => vault.getMany([path, "other/token"]),
      env: (vault) => vault.env([path]),
      listSecrets: (vault) => vault.listSecrets(),
      listAgents: (vault) => vault.listAgents(),
      reload: (vault) => vault.reload(),
      pull: (vault) => vault.pull(),
      watch: async (vault) => (await vault.watch(path, () => {})).close(),
      close: (vault) => vault.close(),
    };

    const all = Object.getOwnPropertyNames(Vault.prototype).filter((name) => name !== "constructor");

    it.each(doorsAt(half, all))("Vault.%s waits for it", async (method) => {
      await halfWritten(half, async (box) => {
        enter(box);
        const vault = new Vault({ repoPath: box.repository, keyPath: box.ownerKey });
        await methods[method]!(vault);
        await vault.close();
      });
    });

    const tools: Readonly<Record<string, Record<string, unknown>>> = {
      list: {},
      run: { command: ["true"], secrets: [path], reason: "a test" },
      status: {},
      audit: {},
      request: { path: "shared/new", reason: "a test", wait_seconds: 0 },
      get: { secret: path, reason: "a test" },
    };
    const names = toolsOf({ allowGet: true } as Parameters<typeof toolsOf>[0]).map(({ name }) => name.replace("agent_vault_", ""));

    it.each(doorsAt(half, names))("the tool %s waits for it", async (name) => {
      const result = await halfWritten(half, async (box) => {
        const served = await Served.start(box, { flags: ["--allow-get"] });
        return served.call(name, tools[name]);
      });
      expect([result.code, result.text]).toEqual([undefined, expect.any(String)]);
    });
  });
});

/** A program's environment on a machine; it ends with the test. */
function enter(box: Sandbox): void {
  for (const [name, value] of Object.entries(box.env)) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
}
