import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
// @ts-expect-error It is a program without types.
import { pythonEnvironment } from "../../tools/python.mjs";
import { examples } from "../support/examples.js";
import { cannot } from "../support/programs.js";
import { CLI, prepared, type Sandbox } from "../support/sandbox.js";
import { SLOW } from "../support/slow.js";
import { makeVault } from "../support/vault.js";

const ROOT = resolve(import.meta.dirname, "../..");
const { python } = pythonEnvironment() as { readonly python?: string };
/** A tree that debootstrap made, to make none. */
const MADE = process.env["AGENT_VAULT_SLIM_TREE"];
const able =
  SLOW &&
  process.platform === "linux" &&
  process.getuid?.() === 0 &&
  python !== undefined &&
  (MADE !== undefined || works("debootstrap", "--version"));
const skipped = SLOW ? cannot(able, "No tree of Debian can be made: that takes root, debootstrap and Python.", false) : true;

const vault = prepared(
  (box) =>
    makeVault(
      box,
      { "stripe/api-key": "sk_documented", "stripe/cert": Buffer.from([0, 200]), "db/url": "postgres://h/shop", "payroll/password": "no" },
      { "billing-agent": ["stripe", "db"] },
    ),
  { audit: true },
);

/** A machine of Debian's smallest kind: no git, no pip, no npm, and the packages of the SDKs beside Python and Node. */
describe.skipIf(skipped)("a slim machine", () => {
  let tree: string;

  beforeAll(() => {
    tree = MADE ?? mkdtempSync(join(tmpdir(), "agent-vault-slim-"));
    if (MADE === undefined) must("debootstrap", "--variant=minbase", "--include=python3", "bookworm", tree);
    for (const folder of ["opt/python", "opt/node/node_modules/agent-vault"]) {
      rmSync(join(tree, folder), { recursive: true, force: true });
      mkdirSync(join(tree, folder), { recursive: true });
    }
    const version = must("chroot", tree, "/usr/bin/python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])").trim();
    const sources = mkdtempSync(join(tmpdir(), "agent-vault-wheel-"));
    must(python!, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", sources, join(ROOT, "sdk-python"));
    const [wheel] = readdirSync(sources);
    const binary = ["--only-binary=:all:", "--implementation", "cp", "--python-version", version];
    must(python!, "-m", "pip", "install", "--quiet", ...binary, "--target", join(tree, "opt/python"), join(sources, wheel!));
    must("npm", "pack", "--ignore-scripts", "--loglevel=error", "--pack-destination", sources, "--workspace", "sdk-node");
    const tarball = readdirSync(sources).find((name) => name.endsWith(".tgz"))!;
    must("tar", "-xzf", join(sources, tarball), "--strip-components=1", "-C", join(tree, "opt/node/node_modules/agent-vault"));
    rmSync(sources, { recursive: true });
    copyFileSync(process.execPath, join(tree, "usr/local/bin/node"));
  }, 1_800_000);

  afterAll(() => {
    if (tree && MADE === undefined) rmSync(tree, { recursive: true, force: true });
  });

  it.each([
    ["Python", "python3", "python.md", "python", "py"],
    ["Node, without the database's engine", "node", "node.md", "js", "mjs"],
  ])("runs the page's examples with %s, and their reads are in the audit log afterwards", async (_, program, page, language, ending) => {
    const box = await vault();
    const home = join(tree, "root/.agent-vault");
    rmSync(home, { recursive: true, force: true });
    rmSync(join(tree, "srv/app"), { recursive: true, force: true });
    mkdirSync(join(home, "agents"), { recursive: true, mode: 0o700 });
    cpSync(box.repository, join(tree, "srv/app"), { recursive: true });
    copyFileSync(box.agentKey("billing-agent"), join(home, "agents/billing-agent.key"));
    chmodSync(join(home, "agents/billing-agent.key"), 0o600);
    const key = readFileSync(box.agentKey("billing-agent"), "utf8");
    // The example with a URL needs git, to clone it.
    const texts = examples(page, language).filter((text) => !text.includes("https://"));
    for (const [index, text] of texts.entries()) {
      const file = `opt/${ending === "py" ? "python" : "node"}/example-${index}.${ending}`;
      writeFileSync(join(tree, file), text);
      const variables = ["HOME=/root", "PATH=/usr/local/bin:/usr/bin:/bin", "PYTHONPATH=/opt/python", `BILLING_AGENT_KEY=${key}`];
      const run = ["/usr/bin/env", "-i", "-C", "/srv/app", ...variables, program, `/${file}`];
      const outcome = spawnSync("chroot", [tree, ...run], { encoding: "utf8" });
      expect([text, outcome.status, outcome.stderr.replace(/^.*\b(?:Warning|node --trace-warnings)\b.*\n/gm, "")]).toEqual([text, 0, ""]);
    }
    expect(existsSync(join(home, "ledger"))).toBe(true);
    const rows = await auditOf(box, home);
    expect(rows.filter(({ outcome }) => outcome === "done").length).toBeGreaterThanOrEqual(3);
    expect(rows.every(({ who, proven }) => who === "billing-agent" && proven)).toBe(true);
    expect(rows.flatMap(({ secrets }) => secrets)).toContain("stripe/api-key");
  });
});

interface Row {
  readonly who: string;
  readonly proven: boolean;
  readonly outcome: string;
  readonly secrets: readonly string[];
}

/** What `agent-vault audit` says on that machine. */
async function auditOf(box: Sandbox, home: string): Promise<Row[]> {
  const words = ["audit", "--json", "--action", "get", "--key", join(home, "agents/billing-agent.key")];
  const outcome = await box.run(process.execPath, [CLI, ...words], { env: { AGENT_VAULT_HOME: home } });
  expect([outcome.code, outcome.stderr]).toEqual([0, ""]);
  return JSON.parse(outcome.stdout.toString()) as Row[];
}

function works(program: string, ...args: string[]): boolean {
  return spawnSync(program, args).status === 0;
}

function must(program: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd: ROOT,
    env: { ...process.env, HOME: userInfo().homedir },
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`${program} ${args[0]} failed: ${error?.message ?? stderr}`);
  return stdout;
}
