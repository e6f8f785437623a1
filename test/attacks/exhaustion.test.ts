import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { cannot } from "../support/programs.js";
import { errorCode, prepared, type Outcome, type Sandbox } from "../support/sandbox.js";
import { SLOW, timeLimitMs } from "../support/slow.js";
import { makeVault } from "../support/vault.js";

const MIB = 1024 * 1024;
/** git itself takes long for what is huge. */
const TIMEOUT_MS = timeLimitMs(600_000);
/** What any read may take of the memory, whatever a host or anybody who can push puts into the repository. */
const MAX_PEAK_BYTES = 200 * MIB;

const machine = prepared(async (box) => {
  await makeVault(box, { "stripe/api-key": "sk_live_1", "db/url": "postgres://" });
});

/** A machine with a vault, and mallory, who can push anything to its remote. */
class Scene {
  readonly box: Sandbox;
  readonly remote: string;

  private constructor(box: Sandbox) {
    this.box = box;
    this.remote = box.addRemote();
  }

  static async make(): Promise<Scene> {
    return new Scene(await machine());
  }

  /** Pushes a commit that has this in place of a part of the vault. */
  offer(path: string, mode: string, id: string): string {
    const tree = this.#treeWith("main^{tree}", `.agent-vault/${path}`.split("/"), mode, id);
    const commit = this.git(["commit-tree", "-p", "main", "-m", "hostile", tree]);
    this.git(["update-ref", "refs/heads/main", commit]);
    return commit;
  }

  /** Stores an object that mallory made. */
  store(type: "blob" | "tree", bytes: Uint8Array): string {
    return this.git(["hash-object", "-t", type, "-w", "--stdin"], bytes);
  }

  /** A blob of zeros. */
  zeros(bytes: number): string {
    const file = join(this.box.root, "zeros");
    writeFileSync(file, "");
    truncateSync(file, bytes);
    return this.git(["-c", "core.bigFileThreshold=1m", "hash-object", "-w", file]);
  }

  /** A tree whose entries are all of one mode and id. */
  tree(names: readonly string[], mode: string, id: string): string {
    const entry = (name: string) => Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(id, "hex")]);
    return this.store("tree", Buffer.concat(names.map(entry)));
  }

  git(args: readonly string[], input: Uint8Array = Buffer.alloc(0)): string {
    const options = { cwd: this.remote, env: this.box.env as NodeJS.ProcessEnv, input, maxBuffer: 64 * MIB };
    return execFileSync("git", [...args], { ...options, stdio: ["pipe", "pipe", "pipe"] })
      .toString()
      .trim();
  }

  #treeWith(base: string | undefined, [name, ...rest]: readonly string[], mode: string, id: string): string {
    const entries = base === undefined ? [] : this.git(["ls-tree", base]).split("\n").filter(Boolean);
    const others = entries.filter((line) => line.split("\t")[1] !== name);
    const present = entries.find((line) => line.split("\t")[1] === name);
    const inside = rest.length > 0 && this.#treeWith(present?.split(/[ \t]/)[2], rest, mode, id);
    const kind = mode.startsWith("04") ? "tree" : "blob";
    const line = inside === false ? `${mode} ${kind} ${id}\t${name}` : `040000 tree ${inside}\t${name}`;
    return this.git(["mktree"], Buffer.from([...others, line].map((entry) => `${entry}\n`).join("")));
  }

  /** Runs a command and measures the most memory that it ever had; what `process.resourceUsage()` says begins with the parent's. */
  async run(...words: string[]): Promise<Outcome & { readonly peak: number }> {
    const [script, file] = [join(this.box.root, "peak.mjs"), join(this.box.root, "peak")];
    writeFileSync(
      script,
      `import { readFileSync, writeFileSync } from "node:fs";
      process.on("exit", () => writeFileSync(${JSON.stringify(file)}, /VmHWM:\\s+(\\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))[1]));`,
    );
    const outcome = await this.box.cli(words, { nodeArgs: ["--import", pathToFileURL(script).href] });
    return { ...outcome, peak: Number(readFileSync(file, "utf8")) * 1024 };
  }
}

/** What mallory pushes. The numbers in front are for every day, the others, and what almost may be, for the long tests. */
const OFFERS: Readonly<Record<string, (scene: Scene) => string>> = {
  "six entries of one huge file": (scene) => {
    const blob = scene.zeros(SLOW ? 700 * MIB : 70 * MIB);
    return scene.offer("secrets/stripe", "040000", scene.tree(namesOf(6), "100644", blob));
  },
  "six entries of one large file that a vault might have": (scene) => {
    const blob = scene.zeros(60 * MIB);
    return scene.offer("secrets/stripe", "040000", scene.tree(namesOf(6), "100644", blob));
  },
  "more entries than any vault has": (scene) => {
    const blob = scene.store("blob", Buffer.from("x"));
    return scene.offer("secrets/stripe", "040000", scene.tree(namesOf(SLOW ? 1_000_000 : 210_000), "100644", blob));
  },
  "as many entries as a large vault has": (scene) => {
    const blob = scene.store("blob", Buffer.from("x"));
    return scene.offer("secrets/stripe", "040000", scene.tree(namesOf(50_000), "100644", blob));
  },
  "almost as many entries as may be": (scene) => {
    const blob = scene.store("blob", Buffer.from("x"));
    return scene.offer("secrets/stripe", "040000", scene.tree(namesOf(190_000), "100644", blob));
  },
  "almost as many groups as may be": (scene) => {
    const group = scene.tree(["a.enc"], "100644", scene.store("blob", Buffer.from("x")));
    return scene.offer("secrets", "040000", scene.tree(namesOf(190_000), "40000", group));
  },
  "more groups than any vault has": (scene) => {
    const group = scene.tree(["a.enc"], "100644", scene.store("blob", Buffer.from("x")));
    return scene.offer("secrets", "040000", scene.tree(namesOf(SLOW ? 1_000_000 : 210_000), "40000", group));
  },
  "a tree of ten billion files in ten objects": (scene) => {
    let tree = scene.tree(namesOf(10), "100644", scene.store("blob", Buffer.from("x")));
    for (let level = 0; level < 9; level++) tree = scene.tree(namesOf(10), "40000", tree);
    return scene.offer("secrets/stripe", "040000", tree);
  },
  "a tree of many levels": (scene) => {
    const path = `${"a/".repeat(SLOW ? 20_000 : 3000)}x.enc`;
    const stream = `commit refs/heads/deep\ncommitter m <m@m> 0 +0000\ndata 0\nM 100644 inline ${path}\ndata 1\nx\n`;
    scene.git(["fast-import", "--quiet"], Buffer.from(stream));
    return scene.offer("secrets/stripe", "040000", scene.git(["rev-parse", "refs/heads/deep^{tree}"]));
  },
  "a huge manifest": (scene) => scene.offer("manifest.yaml", "100644", scene.zeros(100 * MIB)),
  "a huge lock": (scene) => scene.offer("vault.lock", "100644", scene.zeros(100 * MIB)),
  "a huge signature": (scene) => scene.offer("vault.lock.sig", "100644", scene.zeros(100 * MIB)),
  "a huge file that belongs in no vault": (scene) => scene.offer("movie", "100644", scene.zeros(100 * MIB)),
};

const namesOf = (count: number): string[] => Array.from({ length: count }, (_, index) => `s-${String(index).padStart(7, "0")}.enc`);

/** All commands where tests may take long, else two of them, other ones in each turn. */
const inTurn = <T>(commands: readonly T[], turn: number): readonly T[] =>
  SLOW ? commands : [0, 1].map((next) => commands[(turn + next) % commands.length]!);

const skipped = cannot(process.platform === "linux", "Only Linux tells how much memory a process had.", false);

describe.skipIf(skipped)("what a host puts into its commits", () => {
  it.each(Object.entries(OFFERS).filter(([name]) => SLOW || !name.startsWith("almost")))(
    "fills no memory: %s",
    async (name, offer) => {
      const scene = await Scene.make();
      const commit = offer(scene);
      const head = scene.box.git("rev-parse", "HEAD");
      scene.box.git("config", "transfer.unpackLimit", "1");
      scene.box.git("fetch", "--quiet");

      const isHarmless = name.includes("belongs in no vault");
      const commands = {
        verify: async () => {
          const verified = await scene.run("verify", "--at", commit);
          expect(verified.peak).toBeLessThan(MAX_PEAK_BYTES);
          expect(verified.code).toBe(isHarmless ? 0 : 5);
        },
        get: async () => {
          const got = await scene.run("get", "stripe/api-key");
          expect(got.peak).toBeLessThan(MAX_PEAK_BYTES);
          // A read may go on with the state that is here.
          if (got.code === 0) expect(got.stdout.toString()).toBe("sk_live_1");
          else expect(errorCode(got)).toMatch(/^(?:TAMPERED|BAD_SIGNATURE)$/);
        },
        sync: async () => {
          const synced = await scene.run("sync");
          expect(synced.peak).toBeLessThan(MAX_PEAK_BYTES);
          if (!isHarmless) {
            expect(errorCode(synced)).toMatch(/^(?:TAMPERED|BAD_SIGNATURE)$/);
            expect(scene.box.git("rev-parse", "HEAD")).toBe(head);
          }
        },
      };
      for (const run of inTurn(Object.values(commands), Object.keys(OFFERS).indexOf(name))) await run();
    },
    TIMEOUT_MS,
  );
});

/** Files in the work tree, by their size. */
const FILES: Readonly<Record<string, readonly (readonly [file: string, bytes: number])[]>> = {
  "a secret of two gigabytes": [["secrets/stripe/api-key.enc", 2048 * MIB]],
  "six large secrets that a vault might have": namesOf(6).map((name) => [`secrets/stripe/${name}`, 60 * MIB] as const),
  "a manifest of two gigabytes": [["manifest.yaml", 2048 * MIB]],
  "a lock of two gigabytes": [["vault.lock", 2048 * MIB]],
};

describe.skipIf(skipped)("what lies in the work tree", () => {
  it.each(Object.entries(FILES))(
    "fills no memory: %s",
    async (name, files) => {
      const scene = await Scene.make();
      for (const [file, bytes] of files) sparse(join(scene.box.vault, file), bytes);
      const commands = [["get", "stripe/api-key"], ["list"], ["verify"], ["check"]];
      for (const words of inTurn(commands, Object.keys(FILES).indexOf(name))) {
        const outcome = await scene.run(...words);
        expect([words[0], outcome.peak < MAX_PEAK_BYTES]).toEqual([words[0], true]);
        // Reads go on with what is committed.
        if (outcome.code !== 0) continue;
        const shown = { get: /^sk_live_1$/, list: /stripe\/api-key/ }[words[0]!];
        expect([words[0], outcome.stdout.toString()]).toEqual([words[0], shown && expect.stringMatching(shown)]);
      }
    },
    TIMEOUT_MS,
  );
});

function sparse(file: string, bytes: number): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, "", { flag: "a" });
  truncateSync(file, bytes);
}
