import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { makeVault } from "../../support/vault.js";
import { prepared, type Sandbox } from "../../support/sandbox.js";
import { runAction, shownWith, type Step } from "./runner.js";

/** What may be taken for something else, on its way to a variable or in a log. */
const VALUES: Readonly<Record<string, string>> = {
  plain: "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
  lines: '-----BEGIN THING-----\nline "one" of it\n  {\n}\nline two of it\n-----END THING-----\n',
  quotes: `it's "so" \`called\` $HOME \\n and <b>&</b>`,
  percents: "100%25 %0A%0D %3A::add-mask::x",
  delimiters: "A<<EOF\nEOF\nghadelimiter_0b51e5e5-7c0a-4d0c-9c5f-000000000000\nSECOND=2\n::set-output name=x::y",
  ends: "one line\r\nanother line\rthe last line\n\n",
  letters: "gr\u00fc\u00dfe \ud83d\udd11 \u2028 key",
  long: Array.from({ length: 40 }, (_, index) => `part-${index}`).join("/"),
  empty: "",
  tiny: "x7",
};

const granted = prepared((box) => {
  const texts = Object.fromEntries(Object.entries(VALUES).map(([name, value]) => [`ci/${name}`, value]));
  return makeVault(box, { ...texts, "ci/binary": Buffer.from([0, 200, 255]), "other/x": "no" }, { "ci-agent": ["ci"] });
});

const keyOf = (box: Sandbox) => readFileSync(box.agentKey("ci-agent"), "utf8");
const ALL = Object.keys(VALUES)
  .map((name) => `ci/${name} | V_${name.toUpperCase()}`)
  .join("\n");

/** The step failed, said why in one annotation, and handed nothing on. */
function expectRefusal(step: Step, code: string, what = code): void {
  expect(step, what).toMatchObject({ code: 1, stderr: "", error: expect.stringContaining(`[${code}]`) });
  expect([...step.environment, ...step.outputs], what).toEqual([]);
}

describe("the action's export", () => {
  it("hands every value on as it is, and has the runner hide it before anything else is said", async () => {
    const box = await granted();
    const step = await runAction(box, { secrets: ALL, key: keyOf(box) });
    expect({ code: step.code, stderr: step.stderr, error: step.error }).toEqual({ code: 0, stderr: "", error: undefined });
    expect(Object.fromEntries(step.environment)).toEqual(
      Object.fromEntries(Object.entries(VALUES).map(([name, value]) => [`V_${name.toUpperCase()}`, value])),
    );
    expect([...step.outputs]).toEqual([]);
    const masks = step.log.filter((line) => line.startsWith("::add-mask::"));
    expect(step.log.slice(0, masks.length)).toEqual(masks);
    expect(step.log.slice(masks.length)).toEqual([
      `Set as variables of the environment: ${Object.keys(VALUES)
        .map((name) => `V_${name.toUpperCase()} (ci/${name})`)
        .join(", ")}.`,
    ]);
  });

  it("has the runner hide each line, and what base64, URLs and JSON make of a value", async () => {
    const box = await granted();
    const { masks } = await runAction(box, { secrets: ALL, key: keyOf(box) });
    for (const [name, value] of Object.entries(VALUES)) {
      if (value === "") continue;
      for (const line of value.split(/\r\n|\n|\r/).filter((one) => one.trim().length >= 4 || (name === "tiny" && one)))
        expect(shownWith(masks, `> ${line}!`)).toMatch(/^> \s*\*\*\*\s*!$/);
      if (value.length < 8) continue;
      const bytes = Buffer.from(value);
      const wrapped = bytes.toString("base64").replace(/.{1,76}/g, "$&\n");
      const logs = {
        base64: bytes.toString("base64"),
        base64url: bytes.toString("base64url"),
        wrapped,
        "with a newline": Buffer.from(`${value}\n`).toString("base64"),
        "behind a user name": Buffer.from(`ab:${value}`).toString("base64"),
        "behind another": Buffer.from(`abc:${value}`).toString("base64"),
        url: encodeURIComponent(value),
        form: new URLSearchParams({ q: value }).toString(),
        json: JSON.stringify({ value }),
      };
      for (const [how, log] of Object.entries(logs)) {
        const left = shownWith(masks, log).replaceAll("***", "");
        expect(left.length, `${name} in ${how}: ${left}`).toBeLessThan(16);
      }
    }
    expect(masks).not.toContain("{");
    expect(masks).not.toContain("");
  });

  it("shows the key nowhere, writes it nowhere, and leaves the vault and its clone alone", async () => {
    const box = await granted();
    const key = keyOf(box);
    const step = await runAction(box, { secrets: "ci/plain", key });
    expect(step.environment.get("CI_PLAIN")).toBe(VALUES["plain"]);
    const body = key.trim().split("\n").at(-1)!.slice(16);
    const holding = execFileSync("grep", ["-rl", body, box.root], { encoding: "utf8" }).trim();
    expect(holding).toBe(box.agentKey("ci-agent"));
    expect(step.log.join("\n")).not.toContain(body);
    expect(box.git("status", "--porcelain")).toBe("");
    const damaged = await runAction(box, { secrets: "ci/plain", key: key.replace(body, `${body}Q`) });
    expectRefusal(damaged, "INVALID_KEY");
    expect(damaged.log.join("\n")).not.toContain(body);
  });

  it("works on a checkout of one commit, and asks no remote", async () => {
    const box = await granted();
    const remote = box.addRemote();
    const workspace = join(box.root, "workspace");
    box.gitIn(box.root, "clone", "--quiet", "--depth", "1", pathToFileURL(remote).href, workspace);
    rmSync(remote, { recursive: true });
    const step = await runAction(box, { secrets: "ci/plain | KEY", key: keyOf(box), "export-env": "false" }, { workspace });
    expect([step.code, step.stderr, step.warnings]).toEqual([0, "", []]);
    expect([[...step.environment], [...step.outputs]]).toEqual([[], [["KEY", VALUES["plain"]]]]);
  });

  it("takes its vault from another folder of the workspace", async () => {
    const box = await granted();
    const inputs = { secrets: "# for the deployment\n\n ci/plain|KEY \r\n ci/tiny", key: keyOf(box), path: "repository" };
    expect([...(await runAction(box, inputs, { workspace: box.root })).environment.keys()]).toEqual(["KEY", "CI_TINY"]);
  });

  it("refuses what it cannot do, in one annotation and with nothing handed on", async () => {
    const box = await granted();
    const refusals: [what: string, inputs: Record<string, string>, code: string][] = [
      ["no key", { secrets: "ci/plain", key: "" }, "USAGE"],
      ["no secrets", { secrets: " \n# none" }, "USAGE"],
      ["another mode", { mode: "import" }, "USAGE"],
      ["no boolean", { "export-env": "maybe" }, "USAGE"],
      ["a line with too much", { secrets: "ci/plain | A | B" }, "USAGE"],
      ["a line with too little", { secrets: "ci/plain |" }, "USAGE"],
      ["a wrong name", { secrets: "../etc/passwd" }, "INVALID_NAME"],
      ["two secrets for one variable", { secrets: "ci/plain | A\nci/long | A" }, "INVALID_VARIABLE"],
      ["a variable that programs load code by", { secrets: "ci/plain | NODE_OPTIONS" }, "INVALID_VARIABLE"],
      ["a variable of the runner's", { secrets: "ci/plain | GITHUB_TOKEN" }, "INVALID_VARIABLE"],
      ["a variable that is none", { secrets: "ci/plain | A B\n::stop" }, "INVALID_VARIABLE"],
      ["a secret that is not there", { secrets: "ci/plain\nci/none" }, "SECRET_NOT_FOUND"],
      ["a secret of others", { secrets: "ci/plain\nother/x" }, "NOT_AUTHORIZED"],
      ["bytes that are no text", { secrets: "ci/plain\nci/binary" }, "INVALID_VALUE"],
      ["a folder without a vault", { path: "../.." }, "VAULT_NOT_FOUND"],
      ["a folder that is not there", { path: "mistyped" }, "VAULT_NOT_FOUND"],
      ["a URL", { path: "https://user:pa55word@host/x" }, "VAULT_NOT_FOUND"],
    ];
    for (const [what, inputs, code] of refusals) {
      const step = await runAction(box, { secrets: "ci/plain", key: keyOf(box), ...inputs });
      expectRefusal(step, code, what);
      expect(step.error, what).not.toContain("pa55word");
    }
  });

  it("refuses what is not under the owner's signature, and a runner by which values would have to be printed", async () => {
    const box = await granted();
    const inputs = { secrets: "ci/plain", key: keyOf(box) };
    expectRefusal(await runAction(box, inputs, { env: { GITHUB_ENV: undefined } }), "FILE_NOT_FOUND");
    writeFileSync(join(box.vault, "secrets/ci/long.enc"), readFileSync(join(box.vault, "secrets/ci/plain.enc")));
    expectRefusal(await runAction(box, inputs), "TAMPERED");
  });

  it("trusts the owner that it is told of, and nobody where it knows of none", async () => {
    const box = await granted();
    const bare = { secrets: "ci/plain", key: keyOf(box).trim().split("\n").at(-1)! };
    const owner = (await box.ok("list-owners", "--json")).match(/ssh-ed25519 [A-Za-z0-9+/=]+/)![0];
    const env = { AGENT_VAULT_HOME: join(box.root, "runner-home") };
    expect(await runAction(box, { ...bare, owner }, { env })).toMatchObject({ code: 0, warnings: [] });
    rmSync(env.AGENT_VAULT_HOME, { recursive: true });
    const another = `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${"A".repeat(43)}`;
    expectRefusal(await runAction(box, { ...bare, owner: another }, { env }), "UNTRUSTED_SIGNER");
    expectRefusal(await runAction(box, { ...bare, owner: "eric" }, { env }), "INVALID_KEY");
    const unknown = await runAction(box, bare, { env });
    expectRefusal(unknown, "UNTRUSTED_SIGNER");
    expect(JSON.stringify(unknown)).toContain("AGENT_VAULT_OWNER='ssh-ed25519 ");
  });

  it("heeds the vault's policy, and takes no token, which only a record could vouch for", async () => {
    const box = await granted();
    const run = (secrets: string, env = {}) => runAction(box, { secrets, key: keyOf(box) }, { env });
    expectRefusal(await run("ci/plain", { AGENT_VAULT_TOKEN: "av_something" }), "LEDGER_UNAVAILABLE");
    box.write(
      ".agent-vault/policy.yaml",
      `version: 1
rules:
  - {secrets: ci/plain, allow: {agents: ci-agent, actions: read, branches: main}}
  - {secrets: ci/lines, allow: {agents: another}}
  - {secrets: ci/quotes, allow: {agents: ci-agent}, approval: once}
  - {secrets: ci/long, allow: {agents: ci-agent}, approval: always}
`,
    );
    await box.sign();
    expect((await run("ci/plain")).environment.get("CI_PLAIN")).toBe(VALUES["plain"]);
    expectRefusal(await run("ci/lines"), "POLICY_DENIED");
    expectRefusal(await run("ci/plain\nci/tiny"), "POLICY_DENIED");
    expectRefusal(await run("ci/quotes"), "APPROVAL_UNAVAILABLE");
    expect((await run("ci/quotes", { AGENT_VAULT_APPROVE: "once" })).environment.get("CI_QUOTES")).toBe(VALUES["quotes"]);
    expectRefusal(await run("ci/quotes", { AGENT_VAULT_APPROVE: "deny" }), "APPROVAL_DENIED");
    expectRefusal(await run("ci/long", { AGENT_VAULT_APPROVE: "once" }), "APPROVAL_UNAVAILABLE");
  });
});

describe("the action's record", () => {
  it("goes where the step says and the owner accepts it, or nothing is handed on", async () => {
    const box = await granted();
    const read = (env: Record<string, string>) => runAction(box, { secrets: "ci/plain", key: keyOf(box) }, { env });
    const file = join(box.root, "audit.jsonl");
    expect(await read({ AGENT_VAULT_AUDIT: `file:${file}` })).toMatchObject({ code: 0 });
    expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ outcome: "done", who: "ci-agent", secrets: ["ci/plain"] });
    expect(readFileSync(file, "utf8")).not.toContain(VALUES["plain"]);
    expectRefusal(await read({ AGENT_VAULT_AUDIT: "otlp", OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" }), "LEDGER_UNAVAILABLE");
    expectRefusal(await read({ AGENT_VAULT_AUDIT: "legder" }), "USAGE");
    const config = join(box.vault, "config.yaml");
    writeFileSync(config, `${readFileSync(config, "utf8")}settings:\n  audit:\n    allow: [ledger, spool, file]\n`);
    await box.sign();
    expectRefusal(await read({}), "LEDGER_UNAVAILABLE");
    for (const sink of ["ledger", `file:${file}`]) expect(await read({ AGENT_VAULT_AUDIT: sink })).toMatchObject({ code: 0 });
    expect(readdirSync(join(box.home, ".agent-vault/ledger")).some((name) => name.endsWith(".spool"))).toBe(true);
  });
});

describe("36 secrets in one line", () => {
  const COUNT = 36;
  const names = Array.from({ length: COUNT }, (_, index) => `s${String(index).padStart(2, "0")}`);
  const valueOf = (name: string) => `value "${name}" of 36\nwith a second line: ${name}`;
  const many = prepared(async (box) => {
    const secrets = Object.fromEntries(names.map((name) => [`app/live/${name}`, valueOf(name)]));
    await makeVault(box, { ...secrets, "app/test/x": "test value", "other/x": "no" }, { "ci-agent": ["app"] });
  });
  const shown = (step: Step) => names.map((name) => shownWith(step.masks, `${valueOf(name)} ${JSON.stringify(valueOf(name))}`)).join();

  it("of group/**, each in a variable of its own name", async () => {
    const box = await many();
    const step = await runAction(box, { secrets: "app/live/**", key: keyOf(box) });
    expect(step).toMatchObject({ code: 0, stderr: "", error: undefined });
    expect(Object.fromEntries(step.environment)).toEqual(
      Object.fromEntries(names.map((name) => [`APP_LIVE_${name.toUpperCase()}`, valueOf(name)])),
    );
    for (const name of names) expect(shown(step)).not.toContain(name);
    const all = await runAction(box, { secrets: "app/** \napp/test/x | X", key: keyOf(box), "export-env": "false" });
    expect([...all.outputs.keys()]).toHaveLength(COUNT + 2);
  });

  it("of an env file", async () => {
    const box = await many();
    box.write("deploy.env", names.map((name) => `V_${name}=a {{ vault://app/live/${name} | base64 }}`).join("\n"));
    const step = await runAction(box, { "env-file": "deploy.env", key: keyOf(box) });
    expect(step).toMatchObject({ code: 0, stderr: "", error: undefined });
    const base64 = (name: string) => Buffer.from(valueOf(name)).toString("base64");
    expect(Object.fromEntries(step.environment)).toEqual(Object.fromEntries(names.map((name) => [`V_${name}`, `a ${base64(name)}`])));
    for (const name of names) expect(shownWith(step.masks, base64(name))).not.toContain(base64(name).slice(2, 30));
  });

  it("of a template, which becomes a file that nobody else can read", async () => {
    const box = await many();
    box.write("config.tmpl", `{${names.map((name) => `"${name}": {{ vault://app/live/${name} | json }}`).join(",\n")}}\n`);
    const step = await runAction(box, { template: "config.tmpl | config.json", key: keyOf(box) });
    expect(step).toMatchObject({ code: 0, stderr: "", error: undefined });
    expect([...step.environment]).toEqual([]);
    const written = join(box.repository, "config.json");
    expect(JSON.parse(readFileSync(written, "utf8"))).toEqual(Object.fromEntries(names.map((name) => [name, valueOf(name)])));
    expect(statSync(written).mode & 0o777).toBe(0o600);
    for (const name of names) expect(shown(step)).not.toContain(name);
  });

  it("through every filter", async () => {
    const box = await many();
    const filters = ["json", "yaml", "shell", "base64", "indent 4", "json | base64"];
    box.write("all.tmpl", filters.map((filter) => `{{ vault://app/live/s07 | ${filter} }}`).join("\n---\n"));
    box.write("all.env", filters.map((filter, index) => `V${index}={{ vault://app/live/s07 | ${filter} }}`).join("\n"));
    const step = await runAction(box, { template: "all.tmpl | all.txt", "env-file": "all.env", key: keyOf(box) });
    expect(step).toMatchObject({ code: 0, stderr: "", error: undefined });
    const value = valueOf("s07");
    const [asJson, asYaml, inShell, base64, indented, both] = [...step.environment.values()];
    expect([JSON.parse(asJson!), parse(`a: ${asYaml}`).a]).toEqual([value, value]);
    expect((await box.run("sh", ["-c", `printf %s ${inShell}`])).stdout.toString()).toBe(value);
    expect(Buffer.from(base64!, "base64").toString()).toBe(value);
    expect(indented).toBe(value.replaceAll("\n", "\n    "));
    expect(Buffer.from(both!, "base64").toString()).toBe(JSON.stringify(value));
    expect(readFileSync(join(box.repository, "all.txt"), "utf8")).toBe([...step.environment.values()].join("\n---\n"));
    for (const line of step.environment.values()) expect(shownWith(step.masks, line)).not.toContain("s07");
  });

  it("is refused as a whole where a part of it is wrong", async () => {
    const box = await many();
    symlinkSync(box.root, join(box.repository, "out"));
    box.write("good.tmpl", "{{ vault://app/live/s00 }}");
    box.write("bad.tmpl", "{{ vault://app/live/s00 | jsn }}");
    box.write("twice.env", "APP_LIVE_S00=vault://app/test/x");
    box.write("runner.env", "GITHUB_TOKEN=vault://app/test/x");
    for (const [inputs, code] of [
      [{ secrets: "nothing/**" }, "SECRET_NOT_FOUND"],
      [{ secrets: "**" }, "INVALID_NAME"],
      [{ secrets: "app/** | ONE" }, "USAGE"],
      [{ secrets: "other/**" }, "NOT_AUTHORIZED"],
      [{ secrets: "app/live/**", "env-file": "twice.env" }, "INVALID_VARIABLE"],
      [{ "env-file": "runner.env" }, "INVALID_VARIABLE"],
      [{ "env-file": "missing.env" }, "FILE_NOT_FOUND"],
      [{ template: "bad.tmpl | x" }, "INVALID_REFERENCE"],
      [{ template: "good.tmpl | out/x" }, "USAGE"],
      [{ template: "good.tmpl | ../x" }, "USAGE"],
      [{ template: "good.tmpl" }, "USAGE"],
      [{}, "USAGE"],
    ] as const) {
      expectRefusal(await runAction(box, { ...inputs, key: keyOf(box) }), code, JSON.stringify(inputs));
    }
    expect(existsSync(join(box.root, "x"))).toBe(false);
  });
});
