// The tour: a real vault in a temporary folder with a real bare git remote, each command shown as it runs. Nothing outside that folder
// is read or written.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { styleText } from "node:util";
import { root } from "./setup.mjs";

const place = mkdtempSync(join(tmpdir(), "agent-vault-tour-"));
const home = join(place, "home");
const project = join(place, "project");
const agentClone = join(place, "agent-clone");
const env = {
  PATH: process.env.PATH,
  HOME: home,
  USER: "olivia",
  GIT_CONFIG_GLOBAL: join(place, "gitconfig"),
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
  rmSync(place, { recursive: true, force: true });
}

function play() {
  if (!recording)
    process.stdout.write(
      "(The record of uses cannot be kept on this machine, so it is off here: AGENT_VAULT_AUDIT=off. docs/audit.md says where it can.)\n",
    );
  chapter("An owner makes a vault, in a git repository with a remote");
  git(project, "init", "--quiet");
  git(place, "init", "--quiet", "--bare", "remote.git");
  git(project, "remote", "add", "origin", join(place, "remote.git"));
  vault(project, ["init"]);

  chapter("She stores secrets: one piped in, two that nobody has ever seen");
  vault(project, ["set", "stripe/api-key", "--expires", "90d", "--environment", "production"], {
    input: "sk_live_tour_4eC39HqLyjWDarjtT1zdp7dc",
  });
  vault(project, ["set", "stripe/webhook-secret", "--generate"]);
  vault(project, ["set", "postgres/password", "--generate", "--description", "main database"]);

  chapter("She makes an agent, lets it read the group stripe, and pushes");
  vault(project, ["add-agent", "billing-agent"]);
  vault(project, ["grant", "billing-agent", "stripe", "--dry-run"]);
  vault(project, ["grant", "billing-agent", "stripe"]);
  vault(project, ["list"]);
  git(project, "push", "--quiet", "--set-upstream", "origin", "main");

  chapter("The agent, in a clone of its own with a key of its own, reads what it was granted, and no more");
  git(place, "clone", "--quiet", join(place, "remote.git"), "agent-clone");
  const key = join(home, ".agent-vault/agents/billing-agent.key");
  vault(agentClone, ["get", "stripe/api-key", "--key", key]);
  vault(agentClone, ["get", "postgres/password", "--key", key], { expect: 4 });

  chapter("The same from its program");
  const program = join(place, "agent.mjs");
  writeFileSync(
    program,
    [
      `import { Vault } from ${JSON.stringify(pathToFileURL(join(root, "sdk-node/dist/index.js")).href)}; // "agent-vault"`,
      `const vault = new Vault({ repoPath: ${JSON.stringify(agentClone)}, keyPath: ${JSON.stringify(key)} });`,
      `console.log("The key has", (await vault.get("stripe/api-key")).length, "characters.");`,
      "",
    ].join("\n"),
  );
  run(place, "node", [program], { shown: "node agent.mjs" });

  chapter("A coding agent is shown no value. It runs commands that get one, and what they print comes back without it");
  const claude = { CLAUDECODE: "1" };
  vault(agentClone, ["get", "stripe/webhook-secret", "--key", key], { with: claude, expect: 6 });
  const command = ["--", "sh", "-c", 'echo "signing with $SECRET"'];
  const use = ["run", "--secret", "stripe/webhook-secret=SECRET", "--key", key, ...command];
  vault(agentClone, use, { with: claude });

  chapter("A production secret waits for a person's yes or no, here given in advance; a token allows less than a key, and ends");
  const production = ["run", "--secret", "stripe/api-key=SECRET", "--key", key, ...command];
  vault(agentClone, production, { with: { AGENT_VAULT_APPROVE: "deny" }, expect: 6 });
  vault(agentClone, production, { with: { AGENT_VAULT_APPROVE: "once" } });
  if (recording) {
    const token = vault(agentClone, ["token", "mint", "--key", key, "--secret", "stripe/webhook-secret", "--uses", "1"]).trim();
    vault(agentClone, use, { with: { AGENT_VAULT_TOKEN: token } });
    vault(agentClone, use, { with: { AGENT_VAULT_TOKEN: token }, expect: 6 });

    chapter("All of that is on record, on this machine, encrypted; the last row that she signed for shows if any goes missing");
    vault(project, ["audit", "--last", "8"]);
    vault(project, ["audit", "verify"]);
  }

  chapter("The files are plain age files: the age program opens them too");
  const age = spawnSync("age", ["--version"]).status === 0;
  const file = join(agentClone, ".agent-vault/secrets/stripe/api-key.enc");
  if (age) run(agentClone, "age", ["-d", "-i", key, file]);
  else process.stdout.write("(age is not installed here, so this is left out: age -d -i KEY .agent-vault/secrets/stripe/api-key.enc)\n");

  chapter("She takes the group away again, and the agent's next read brings the change along");
  vault(project, ["revoke", "billing-agent", "stripe"]);
  vault(project, ["sync"]);
  // The agent has just pulled, so it is asked to do so again at once.
  vault(agentClone, ["sync", "--pull", "--key", key]);
  vault(agentClone, ["get", "stripe/api-key", "--key", key], { expect: 4 });

  chapter("Somebody who may push gives it the group back, past the owner. What she has not signed, nobody takes");
  git(place, "clone", "--quiet", join(place, "remote.git"), "intruder");
  const intruder = join(place, "intruder");
  const manifest = join(intruder, ".agent-vault/manifest.yaml");
  writeFileSync(manifest, readFileSync(manifest, "utf8").replace("groups: []", "groups:\n  - stripe"));
  git(intruder, "commit", "--quiet", "--all", "--message", "nothing to see here");
  git(intruder, "push", "--quiet");
  vault(agentClone, ["sync", "--pull", "--key", key], { expect: 5 });
  vault(project, ["sync"], { expect: 5 });

  chapter("Pulled by hand, it is still not hers: sign shows what it would mean, and she says no");
  git(project, "pull", "--quiet");
  vault(project, ["set", "stripe/webhook", "--generate"], { expect: 5 });
  vault(project, ["sign", "--dry-run"]);
  git(project, "revert", "--no-edit", "HEAD");
  vault(project, ["sync"]);

  chapter("A key that ends up in a commit is stopped before it gets there");
  run(project, "cp", [key, "backup.txt"]);
  git(project, "add", "backup.txt");
  run(project, "git", ["commit", "--quiet", "-m", "backup"], { expect: 1 });
  git(project, "rm", "--quiet", "--cached", "backup.txt");

  chapter("And the vault is as it should be");
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
  const words = args.map((word) => (/[\s"$]/.test(word) ? `'${word}'` : word));
  return run(cwd, process.execPath, [join(root, "packages/cli/bin/agent-vault.js"), ...args], {
    shown: `${options.input ? "echo $STRIPE_KEY | " : ""}${variables.join("")}agent-vault ${words.join(" ")}`,
    ...options,
  });
}

function git(cwd, ...args) {
  run(cwd, "git", args);
}

function run(cwd, command, args, { input, expect = 0, with: more = {}, shown = `${command} ${args.join(" ")}` } = {}) {
  process.stdout.write(
    `${paint("cyan", `$ ${shown.replaceAll(home, "~").replaceAll(`${place}/`, "../").replaceAll(root, "agent-vault")}`)}\n`,
  );
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, env: { ...env, ...more }, input: input ?? "", encoding: "utf8" });
  const output = `${stdout}${stderr}`.replaceAll(home, "~").replaceAll(place, "/tmp/tour");
  process.stdout.write(output === "" || output.endsWith("\n") ? output : `${output}\n`);
  if (status !== expect) throw new Error(`${shown} ended with ${status}, and ${expect} was expected.`);
  return stdout;
}
