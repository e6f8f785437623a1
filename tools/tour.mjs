// The tour: a real vault in a temporary folder, with a bare git remote. Each command is shown as it runs. Nothing outside the folder is
// read or written.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { styleText } from "node:util";
import { root } from "./setup.mjs";

const folder = mkdtempSync(join(tmpdir(), "agent-vault-tour-"));
const home = join(folder, "home");
const project = join(folder, "project");
const agentClone = join(folder, "agent-clone");
const env = {
  PATH: process.env.PATH,
  HOME: home,
  USER: "olivia",
  GIT_CONFIG_GLOBAL: join(folder, "gitconfig"),
  GIT_CONFIG_NOSYSTEM: "1",
  ...(process.env.NO_COLOR && { NO_COLOR: process.env.NO_COLOR }),
};
const recording = await import("@tursodatabase/database/compat").then(
  () => true,
  () => false,
);
if (!recording) env.AGENT_VAULT_AUDIT = "off";
const colour = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (style, text) => (colour ? styleText(style, text) : text);

try {
  mkdirSync(home);
  mkdirSync(project);
  writeFileSync(env.GIT_CONFIG_GLOBAL, "[user]\n\tname = Olivia Owner\n\temail = olivia@example.com\n[init]\n\tdefaultBranch = main\n");
  play();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function play() {
  if (!recording)
    process.stdout.write("(The audit log does not work on this machine, so it is off here: AGENT_VAULT_AUDIT=off. See docs/audit.md.)\n");
  chapter("An owner creates a vault in a git repository");
  git(project, "init", "--quiet");
  git(folder, "init", "--quiet", "--bare", "remote.git");
  git(project, "remote", "add", "origin", join(folder, "remote.git"));
  vault(project, ["init"]);

  chapter("She stores secrets: one piped in, two generated");
  vault(project, ["set", "stripe/api-key", "--expires", "90d", "--environment", "production"], {
    input: "sk_live_tour_4eC39HqLyjWDarjtT1zdp7dc",
  });
  vault(project, ["set", "stripe/webhook-secret", "--generate"]);
  vault(project, ["set", "postgres/password", "--generate", "--description", "main database"]);

  chapter("She adds an agent, grants it the group stripe, and pushes");
  vault(project, ["add-agent", "billing-agent"]);
  vault(project, ["grant", "billing-agent", "stripe", "--dry-run"]);
  vault(project, ["grant", "billing-agent", "stripe"]);
  vault(project, ["list"]);
  git(project, "push", "--quiet", "--set-upstream", "origin", "main");

  chapter("The agent has its own clone and key, and reads only what it was granted");
  git(folder, "clone", "--quiet", join(folder, "remote.git"), "agent-clone");
  const key = join(home, ".agent-vault/agents/billing-agent.key");
  vault(agentClone, ["get", "stripe/api-key", "--key", key]);
  vault(agentClone, ["get", "postgres/password", "--key", key], { expect: 4 });

  chapter("The same from a program, with the SDK");
  const program = join(folder, "agent.mjs");
  writeFileSync(
    program,
    [
      `import { Vault } from ${JSON.stringify(pathToFileURL(join(root, "sdk-node/dist/index.js")).href)}; // "agent-vault"`,
      `const vault = new Vault({ repoPath: ${JSON.stringify(agentClone)}, keyPath: ${JSON.stringify(key)} });`,
      `console.log("The key has", (await vault.get("stripe/api-key")).length, "characters.");`,
      "",
    ].join("\n"),
  );
  run(folder, "node", [program], { shown: "node agent.mjs" });

  chapter("A coding agent sees no values: it runs commands with them, and their output is scrubbed");
  const claude = { CLAUDECODE: "1" };
  vault(agentClone, ["get", "stripe/webhook-secret", "--key", key], { with: claude, expect: 6 });
  const command = ["--", "sh", "-c", 'echo "signing with $SECRET"'];
  const use = ["run", "--secret", "stripe/webhook-secret=SECRET", "--key", key, ...command];
  vault(agentClone, use, { with: claude });

  chapter("A production secret needs approval, given in advance here. A token allows less than a key, and expires");
  const production = ["run", "--secret", "stripe/api-key=SECRET", "--key", key, ...command];
  vault(agentClone, production, { with: { AGENT_VAULT_APPROVE: "deny" }, expect: 6 });
  vault(agentClone, production, { with: { AGENT_VAULT_APPROVE: "once" } });
  if (recording) {
    const token = vault(agentClone, ["token", "mint", "--key", key, "--secret", "stripe/webhook-secret", "--uses", "1"]).trim();
    vault(agentClone, use, { with: { AGENT_VAULT_TOKEN: token } });
    vault(agentClone, use, { with: { AGENT_VAULT_TOKEN: token }, expect: 6 });

    chapter("All of this is in the encrypted audit log of this machine. The owner's signature shows if rows go missing");
    vault(project, ["audit", "--last", "8"]);
    vault(project, ["audit", "verify"]);
  }

  chapter("The files are plain age files: the age program opens them too");
  const age = spawnSync("age", ["--version"]).status === 0;
  const file = join(agentClone, ".agent-vault/secrets/stripe/api-key.enc");
  if (age) run(agentClone, "age", ["-d", "-i", key, file]);
  else process.stdout.write("(Skipped, because age is not installed here: age -d -i KEY .agent-vault/secrets/stripe/api-key.enc)\n");

  chapter("She revokes the group, and the agent's next pull brings the change");
  vault(project, ["revoke", "billing-agent", "stripe"]);
  vault(project, ["sync"]);
  // A read pulls at most once in a while, so the agent pulls explicitly.
  vault(agentClone, ["sync", "--pull", "--key", key]);
  vault(agentClone, ["get", "stripe/api-key", "--key", key], { expect: 4 });

  chapter("An intruder with push access grants the group again. What the owner has not signed is refused everywhere");
  git(folder, "clone", "--quiet", join(folder, "remote.git"), "intruder");
  const intruder = join(folder, "intruder");
  const manifest = join(intruder, ".agent-vault/manifest.yaml");
  writeFileSync(manifest, readFileSync(manifest, "utf8").replace("groups: []", "groups:\n  - stripe"));
  git(intruder, "commit", "--quiet", "--all", "--message", "nothing to see here");
  git(intruder, "push", "--quiet");
  vault(agentClone, ["sync", "--pull", "--key", key], { expect: 5 });
  vault(project, ["sync"], { expect: 5 });

  chapter("She pulls the change by hand: sign shows what it would allow, and she reverts it");
  git(project, "pull", "--quiet");
  vault(project, ["set", "stripe/webhook", "--generate"], { expect: 5 });
  vault(project, ["sign", "--dry-run"]);
  git(project, "revert", "--no-edit", "HEAD");
  vault(project, ["sync"]);

  chapter("The pre-commit hook stops a key from being committed");
  run(project, "cp", [key, "backup.txt"]);
  git(project, "add", "backup.txt");
  run(project, "git", ["commit", "--quiet", "-m", "backup"], { expect: 1 });
  git(project, "rm", "--quiet", "--cached", "backup.txt");

  chapter("The vault has no errors");
  vault(project, ["check"]);
  run(project, "git", ["log", "--oneline"]);
  process.stdout.write(`\n${paint("bold", "That was the tour.")} Start your own: agent-vault init (README.md shows how to install it).\n`);
}

function chapter(title) {
  process.stdout.write(`\n${paint("bold", `# ${title}`)}\n`);
}

function vault(cwd, args, options = {}) {
  const variables = Object.entries(options.with ?? {}).map(
    ([name, value]) => `${name}=${value.length > 30 ? `${value.slice(0, 16)}...` : value} `,
  );
  const shown = args.map((arg) => (/[\s"$]/.test(arg) ? `'${arg}'` : arg));
  return run(cwd, process.execPath, [join(root, "packages/cli/bin/agent-vault.js"), ...args], {
    shown: `${options.input ? "echo $STRIPE_KEY | " : ""}${variables.join("")}agent-vault ${shown.join(" ")}`,
    ...options,
  });
}

function git(cwd, ...args) {
  run(cwd, "git", args);
}

function run(cwd, command, args, { input, expect = 0, with: more = {}, shown = `${command} ${args.join(" ")}` } = {}) {
  process.stdout.write(
    `${paint("cyan", `$ ${shown.replaceAll(home, "~").replaceAll(`${folder}/`, "../").replaceAll(root, "agent-vault")}`)}\n`,
  );
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, env: { ...env, ...more }, input: input ?? "", encoding: "utf8" });
  const output = `${stdout}${stderr}`.replaceAll(home, "~").replaceAll(folder, "/tmp/tour");
  process.stdout.write(output === "" || output.endsWith("\n") ? output : `${output}\n`);
  if (status !== expect) throw new Error(`${shown} ended with ${status}, and ${expect} was expected.`);
  return stdout;
}
