/* oxlint-disable vitest/no-standalone-expect -- what the tests of this file share */
import { existsSync, mkdirSync, mkdtempSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { CuttingProxy, type Cut } from "../support/cutting-proxy.js";
import { cli, PRINTING, type Door, type Place } from "../support/doors.js";
import { gitDaemon, SSHD, sshServer, type GitServer } from "../support/git-servers.js";
import { setLastAsked } from "../support/memory-and-clock.js";
import { cannot, lacks } from "../support/programs.js";
import { errorCode, Sandbox } from "../support/sandbox.js";
import { SLOW } from "../support/slow.js";
import { makeVault } from "../support/vault.js";

/** A remote that says nothing is given up after 15 s. */
const MAX_MS = 60_000;
/** `run` hides the value, so it prints its length. */
const READS: Readonly<Record<string, Door>> = {
  ...PRINTING,
  run: cli("run", "--secret", "stripe/api-key", "--allow-short", "--", "sh", "-c", 'printf %s "${#STRIPE_API_KEY}"'),
};

/** Before and after the change on the remote. */
const [OLD, NEW] = [
  ["one", "3"],
  ["second", "6"],
] as const;

class Scene {
  readonly box: Sandbox;
  readonly server: GitServer;
  readonly proxy: CuttingProxy;
  readonly #tip: string;

  private constructor(box: Sandbox, server: GitServer, proxy: CuttingProxy) {
    this.box = box;
    this.server = server;
    this.proxy = proxy;
    this.#tip = box.git("rev-parse", "main").trim();
  }

  static async make(serve: (folder: string) => Promise<GitServer>): Promise<Scene> {
    const box = new Sandbox();
    await makeVault(box, { "stripe/api-key": "one" });
    const remote = box.addRemote();
    const keys = join(box.root, "keys");
    mkdirSync(keys, { mode: 0o700 });
    const server = await serve(keys);
    const proxy = await CuttingProxy.to(server.port);
    onTestFinished(() => proxy.close());
    const template = join(box.root, "reader");
    const env = { ...box.env, ...server.env };
    await box.run("git", ["clone", "--quiet", server.url(proxy.port, remote), template], { env });
    box.git("config", "--global", "pull.rebase", "false");
    const read = await cli("get", "stripe/api-key")(box, { clone: template, env });
    expect([read.stderr, read.stdout.toString()]).toEqual(["", "one"]);
    box.gitIn(template, "commit", "--quiet", "--allow-empty", "--message", "Code");
    await box.set("stripe/api-key", "second");
    box.git("push", "--quiet");
    return new Scene(box, server, proxy);
  }

  /** A machine of its own for one attempt, and the remote as it was. */
  async reader(): Promise<Place> {
    const { box } = this;
    box.gitIn(join(box.root, "remote.git"), "update-ref", "refs/heads/main", this.#tip);
    const folder = mkdtempSync(join(box.root, "attempt-"));
    await box.run("cp", ["-Rp", join(box.root, "reader"), join(folder, "clone")]);
    await box.run("cp", ["-Rp", box.home, join(folder, "home")]);
    const clone = join(folder, "clone");
    setLastAsked(clone);
    return { clone, env: { ...this.server.env, HOME: join(folder, "home") } };
  }

  /** What must stay as it is, and be in order. */
  async look({ clone }: Place): Promise<readonly string[]> {
    const { box } = this;
    const locks = readdirSync(join(clone, ".git"), { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".lock"));
    const checked = await box.run("git", ["fsck", "--no-dangling", "--no-progress", "--connectivity-only"], { cwd: clone });
    return [...locks, `fsck: ${checked.code} ${checked.stderr}`, box.gitIn(clone, "status", "--porcelain")];
  }

  /** How many bytes an undisturbed attempt takes. */
  async bytesOf(door: Door): Promise<number> {
    const reader = await this.reader();
    this.proxy.arm();
    const { code, stderr } = await door(this.box, reader);
    expect([code, stderr.includes("error:")]).toEqual([0, false]);
    return this.proxy.passed;
  }
}

/** Each attempt takes some processes, so that the long tests alone try all. */
function isTriedDaily(server: string, door: string): boolean {
  return server === "git daemon" ? ["get", "the Python SDK"].includes(door) : door === "get";
}

/** Where an exchange is cut: at a few points, or after almost each step. */
function pointsIn(bytes: number, few: readonly number[]): number[] {
  const parts = SLOW ? Array.from({ length: 30 }, (_, index) => index / 30) : few;
  return [...new Set([...parts.map((part) => Math.floor(bytes * part)), ...(SLOW ? [1, bytes - 1] : [])])];
}

const SERVERS: Readonly<Record<string, { readonly isHere: boolean; readonly serve: (root: string) => Promise<GitServer> }>> = {
  "git daemon": { isHere: true, serve: (folder) => gitDaemon(resolve(folder, "..")) },
  "an SSH server": {
    isHere: !lacks("ssh-keygen") && !cannot(existsSync(SSHD), "There is no sshd, so no remote over SSH is stopped.", false),
    serve: sshServer,
  },
};
const CUTS: readonly Cut[] = SLOW ? ["closes", "stalls"] : ["closes"];

describe.each(Object.entries(SERVERS).filter(([, { isHere }]) => isHere))("a remote that stops: %s", (server, { serve }) => {
  it.each(Object.keys(READS).filter((name) => SLOW || isTriedDaily(server, name)))(
    "is a warning to %s, and the next try reads what is new",
    async (name) => {
      const scene = await Scene.make(serve);
      const { box, proxy } = scene;
      const door = READS[name]!;
      const bytes = await scene.bytesOf(door);
      for (const cut of CUTS) {
        for (const point of pointsIn(bytes, name === "get" ? [0, 0.9] : [0.6])) {
          const reader = await scene.reader();
          const before = await scene.look(reader);
          proxy.arm(point, cut);
          const startedAt = Date.now();
          const outcome = await door(box, reader);
          const where = `${cut} after ${point} of ${bytes} bytes`;
          expect([where, Date.now() - startedAt < MAX_MS, outcome.code]).toEqual([where, true, 0]);
          const value = outcome.stdout.toString();
          expect([...OLD, ...NEW]).toContain(value);
          if (OLD.some((old) => old === value)) expect(outcome.stderr).toContain("could not be asked");
          expect([where, await scene.look(reader)]).toEqual([where, before]);

          // In strict mode nothing old is read where a fetch has begun, and where the person says so nothing old at all.
          const hasBegun = server === "git daemon" && point > 0.85 * bytes;
          const variable = hasBegun ? "AGENT_VAULT_STRICT" : "AGENT_VAULT_REQUIRE_FRESH";
          setLastAsked(reader.clone);
          proxy.arm(point, cut);
          const strict = await door(box, { ...reader, env: { ...reader.env, [variable]: "1" } });
          if (strict.code === 0) expect(NEW).toContain(strict.stdout.toString());
          else expect([where, strict.stdout.length, strict.stderr]).toEqual([where, 0, expect.stringMatching(/GIT_FAILED|GitError/)]);

          setLastAsked(reader.clone);
          proxy.arm();
          const again = await door(box, reader);
          expect([where, again.stderr]).toEqual([where, ""]);
          expect(NEW).toContain(again.stdout.toString());
        }
      }
    },
    MAX_MS * (SLOW ? 60 : 2),
  );

  it(
    "ends sync with a code and a way on, and the next one works",
    async () => {
      const scene = await Scene.make(serve);
      const { box, proxy } = scene;
      const door = cli("sync");
      const bytes = await scene.bytesOf(door);
      for (const point of pointsIn(bytes, server === "git daemon" ? [0.3, 0.95] : [0.6])) {
        const reader = await scene.reader();
        const before = await scene.look(reader);
        proxy.arm(point);
        const outcome = await door(box, reader);
        const where = `closes after ${point} of ${bytes} bytes`;
        if (outcome.code !== 0) {
          expect([where, errorCode(outcome)]).toEqual([where, "GIT_FAILED"]);
          expect(outcome.stderr).toMatch(/run the command again|[Tt]ry again|Check the connection/);
        }
        expect([where, await scene.look(reader)]).toEqual([where, before]);
        proxy.arm();
        setLastAsked(reader.clone);
        const again = await door(box, reader);
        expect([where, again.code, again.stderr]).toEqual([where, 0, ""]);
        const [here, there] = [box.gitIn(reader.clone, "rev-parse", "HEAD"), box.gitIn(join(box.root, "remote.git"), "rev-parse", "main")];
        expect([where, here]).toEqual([where, there]);
        const read = await cli("get", "stripe/api-key", "--no-pull")(box, reader);
        expect([where, read.stdout.toString()]).toEqual([where, "second"]);
      }
    },
    MAX_MS * (SLOW ? 60 : 2),
  );
});
