import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodes } from "../support/nodes.js";
import { CLI, prepared, type Sandbox } from "../support/sandbox.js";
import { makeVault } from "../support/vault.js";
import { SLOW } from "../support/slow.js";

const ROOT = resolve(import.meta.dirname, "../..");
/** What the program's own options would be mistaken for: a launcher has none. */
const SECRET_VALUE = "sk_live_51H8xQ2eZvKYlo2C";

/** Options that make Node run code, write files, wait or go elsewhere, with the values that would show it. */
const DANGEROUS: readonly (readonly string[])[] = [
  ["--env-file=ENV"],
  ["--env-file", "ENV"],
  ["--env-file-if-exists=ENV"],
  ["--env-file-if-exists", "ENV"],
  ["--experimental-config-file=CONFIG"],
  ["--experimental-config-file", "CONFIG"],
  ["--config-file=CONFIG"],
  ["--experimental-config-file"],
  ["--experimental-default-config-file"],
  ["--require", "STEAL"],
  ["--require=STEAL"],
  ["-r", "STEAL"],
  ["--import=STEAL"],
  ["--import", "STEAL"],
  ["--experimental-loader=STEAL"],
  ["--loader", "STEAL"],
  ["--eval", "require('STEAL')"],
  ["-e", "require('STEAL')"],
  ["-p", "require('STEAL')"],
  ["-pe", "require('STEAL')"],
  ["--print", "require('STEAL')"],
  ["--inspect"],
  ["--inspect-brk=127.0.0.1:0"],
  ["--inspect-wait"],
  ["--cpu-prof"],
  ["--heap-prof"],
  ["--prof"],
  ["--report-on-signal"],
  ["--trace-event-categories", "node"],
  ["--build-snapshot"],
  ["--check"],
  ["-c"],
  ["--test"],
  ["--watch"],
  ["--run", "steal"],
  ["--openssl-config=ENV"],
  ["--title=stolen"],
  ["--version"],
  ["-v"],
  ["--help"],
  ["--completion-bash"],
  ["--interactive"],
  ["-i"],
  ["-"],
];

/** Node looks for the name of a file wherever it is among the words. */
const NAMES_A_FILE = ([word]: readonly string[]) => word!.includes("-file");

/**
 * The options of each launch. What names a file goes alone, as Node may take the first or the last. All others go together, since any of
 * them that Node took would change what the launch says.
 */
const launches = SLOW ? DANGEROUS : [...DANGEROUS.filter(NAMES_A_FILE), DANGEROUS.filter((option) => !NAMES_A_FILE(option)).flat()];

describe.each(nodes)("the launcher with Node $major", ({ folder }) => {
  const env = { ...process.env, NODE_OPTIONS: "", PATH: `${folder}${delimiter}${process.env["PATH"]}` };
  let place = "";
  let launcher = "";
  beforeAll(() => {
    place = mkdtempSync(join(tmpdir(), "agent-vault-launcher-"));
    launcher = join(place, "bin/agent-vault.js");
    layTraps(place);
    for (const name of ["bin", "bundle", "linked"]) mkdirSync(join(place, name));
    copyFileSync(CLI, launcher);
    // In the place of the program: it says how Node was started.
    writeFileSync(
      join(place, "bundle/main.js"),
      `import process from "node:process";
       process.stdout.write(JSON.stringify({ execArgv: process.execArgv, argv: process.argv.slice(2), leaked: process.env.LEAKED }));`,
    );
    symlinkSync(launcher, join(place, "linked/agent-vault"));
  });
  afterAll(() => rmSync(place, { recursive: true, force: true }));

  function start(words: readonly string[], program = launcher): unknown {
    const before = readdirSync(place);
    const { stdout, stderr } = spawnSync(program, words, { cwd: place, env, encoding: "utf8", input: "", timeout: 120_000 });
    expect([words, stderr, readdirSync(place)]).toEqual([words, "", before]);
    return JSON.parse(stdout);
  }

  const handedOver = (words: readonly string[]) => ({ execArgv: [], argv: [":marked", ...words.map((word) => `.${word}`)] });

  it("hands every word over as it is", () => {
    const words = ["run", "", " ", "a b", "*", "$HOME", "`id`", "\\", "'", '"', "-", "--", ".", "\n", "ü", "-n", "--foo=\n"];
    expect(start(words)).toEqual(handedOver(words));
    expect(start(words, join(place, "linked/agent-vault"))).toEqual(handedOver(words));
  });

  it("has Node take no dangerous option, before the command, after it, and after --", () => {
    for (const dangerous of launches) {
      const option = dangerous.map((word) => filledIn(word, place));
      const words = [...option, "run", ...option, "--", "true", ...option];
      expect(start(words)).toEqual(handedOver(words));
    }
  });

  it("has Node read no file that is named between the two words of agent-vault.cmd, as cmd starts it", () => {
    writeFileSync(join(place, "bin/no-config.json"), "{}");
    const [, ...line] = readFileSync(CLI.replace(/js$/, "cmd"), "utf8").trim().split("\n").at(-1)!.split(" ");
    for (const dangerous of launches) {
      const option = dangerous.map((word) => filledIn(word, place));
      const words = line.flatMap((word) => (word === "%*" ? option : [word.replaceAll('"', "").replace("%~dp0", join(place, "bin/"))]));
      expect(start(words, join(folder, "node"))).toMatchObject({ execArgv: [], argv: expect.arrayContaining([":framed"]) as string[] });
    }
    rmSync(join(place, "bin/no-config.json"));
  });

  it("has Node take none of all its options and V8's", () => {
    const options = optionsOf(join(folder, "node"));
    expect(options.length).toBeGreaterThan(500);
    const many = SLOW ? 1 : 100;
    for (let index = 0; index < options.length; index += many) {
      const some = options.slice(index, index + many);
      const words = [...some, "run", ...some.map((option) => `${option}=${join(place, "steal.cjs")}`), "--", ...some];
      expect(start(words)).toEqual(handedOver(words));
    }
  });
});

describe.each(nodes)("the built program with Node $major", ({ folder }) => {
  const vault = prepared(async (box) => {
    await makeVault(box, { "stripe/api-key": SECRET_VALUE });
  });

  async function start(box: Sandbox, program: string, words: readonly string[]): Promise<void> {
    const env = { PATH: `${folder}${delimiter}${process.env["PATH"]}` };
    const outcome = await box.run(program, words, { env });
    expect([words, existsSync(join(box.repository, "stolen")), outcome.stdout.includes("LEAKED")]).toEqual([words, false, false]);
  }

  it("runs nothing out of a file that a word names", async () => {
    const box = await vault();
    layTraps(box.repository);
    for (const dangerous of SLOW ? DANGEROUS : DANGEROUS.filter(NAMES_A_FILE)) {
      const option = dangerous.map((word) => filledIn(word, box.repository));
      await start(box, CLI, ["get", ...option, "stripe/api-key"]);
      if (SLOW) await start(box, CLI, [...option, "get", "stripe/api-key"]);
      if (SLOW) await start(box, CLI, ["run", ...option, "--secret", "stripe/api-key", "--", "true"]);
    }
  });

  it("neither does npm's link to it", async () => {
    const box = await vault();
    layTraps(box.repository);
    const link = join(ROOT, "node_modules/.bin/agent-vault");
    for (const word of ["--env-file=ENV", "--experimental-config-file=CONFIG", "--experimental-default-config-file"])
      await start(box, link, ["run", filledIn(word, box.repository), "--", "true"]);
  });

  it("nor npm start", async () => {
    const box = await vault();
    layTraps(box.repository);
    for (const word of ["--env-file=ENV", "--experimental-config-file=CONFIG", "--experimental-default-config-file"])
      await start(box, "sh", [join(ROOT, "tools/start.mjs"), "run", filledIn(word, box.repository), "--", "true"]);
    expect(JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"))).toMatchObject({ scripts: { start: "sh tools/start.mjs" } });
  });
});

/** What would leave a trace, had Node read it. */
function layTraps(folder: string): void {
  const steal = join(folder, "steal.cjs");
  writeFileSync(steal, `require("node:fs").writeFileSync(${JSON.stringify(join(folder, "stolen"))}, "");`);
  writeFileSync(join(folder, "trap.env"), `LEAKED=1\nNODE_OPTIONS="--require ${steal}"\n`);
  const config = JSON.stringify({ nodeOptions: { require: [steal], import: [steal] } });
  writeFileSync(join(folder, "trap.json"), config);
  writeFileSync(join(folder, "node.config.json"), config);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module", scripts: { steal: `node ${steal}` } }));
}

function filledIn(word: string, folder: string): string {
  const paths = { ENV: "trap.env", CONFIG: "trap.json", STEAL: "steal.cjs" };
  return word.replace(/ENV|CONFIG|STEAL/, (name) => join(folder, paths[name as keyof typeof paths]));
}

/** Every option that a Node knows, V8's too, without values. */
function optionsOf(node: string): string[] {
  const print = (...words: string[]) => spawnSync(node, words, { encoding: "utf8", maxBuffer: 2 ** 24 }).stdout;
  const listed = `${print("--help")}\n${print("--v8-options")}\n${print("-p", "[...process.allowedNodeEnvironmentFlags].join('\\n')")}`;
  return [...new Set([...listed.matchAll(/(?<![\w-])--?[a-z][\w-]*/g)].map(([option]) => option))];
}
