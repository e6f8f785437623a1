import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import fc from "fast-check";
import {
  differenceBetween,
  VaultFolder,
  VaultState,
  describeDifference,
  encrypt,
  generateIdentity,
  parseRecipient,
  sign,
  verificationMarkdown,
  verify,
} from "#vault/index.js";
import { withoutSignedFiles } from "#vault/lock/added-files.js";
import { prepared, type Sandbox } from "../support/sandbox.js";
import { makeVault } from "../support/vault.js";

const POLICY = `version: 1
rules:
  - name: agents
    secrets: "**"
    allow: { agents: bot }
  - name: no pushes
    secrets: stripe/*
    deny: { commands: ["git **"] }
  - name: ask
    secrets: db/*
    approval: always
`;

/** The value of a secret and the owner's key, which nothing may show. */
const VALUE = "sk_live_4eC39HqLyjWDarjtT1";

const vault = prepared(async (box) => {
  await makeVault(
    box,
    {
      "stripe/api-key": {
        value: VALUE,
        environment: "production",
        access: "admin",
        expires: "2030-01-01T00:00:00Z",
        rotate_after_days: 90,
      },
      "db/url": "postgres://",
    },
    { bot: ["stripe"], ann: [] },
  );
  box.write(".agent-vault/policy.yaml", POLICY);
  await box.sign();
});

function edit(box: Sandbox, file: string, change: (text: string) => string): void {
  const path = join(box.vault, file);
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  const changed = change(text);
  if (changed === text) throw new Error(`Nothing of ${file} was changed.`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, changed);
}

const META = "secrets/stripe/api-key.meta";
const manifest = (from: string, to: string) => (box: Sandbox) => edit(box, "manifest.yaml", (text) => text.replace(from, to));
const meta = (from: string | RegExp, to: string) => (box: Sandbox) => edit(box, META, (text) => text.replace(from, to));
const policy = (from: string, to: string) => (box: Sandbox) => edit(box, "policy.yaml", (text) => text.replace(from, to));
const append = (file: string, text: string) => (box: Sandbox) => edit(box, file, (before) => before + text);
const BOT = "- name: bot\n  groups:\n";

/** What is pushed, by anyone who can, and what has to be said of it: as something that widens or not. */
const CASES: readonly [what: string, change: (box: Sandbox) => unknown, words: string, widens: boolean][] = [
  [
    "a membership of a group that does not exist yet",
    manifest(BOT, `${BOT}  - prod\n`),
    "agent bot would join group prod when it exists",
    true,
  ],
  [
    "a membership of a group without secrets",
    (box) => {
      manifest("\ngroups:\n", "\ngroups:\n- name: prod\n  secrets: []\n")(box);
      manifest(BOT, `${BOT}  - prod\n`)(box);
    },
    "agent bot joins group prod, which lists no secret yet",
    true,
  ],
  [
    "a secret that does not exist yet in the list of a group",
    manifest("  - stripe/api-key\n", "  - stripe/api-key\n  - prod/root\n"),
    "group stripe would give its agents prod/root when it exists",
    true,
  ],
  [
    "extra agents of a secret that does not exist yet",
    manifest("extra_agents: {}", "extra_agents:\n  prod/root: [bot]"),
    "agent bot would be granted prod/root when it exists",
    true,
  ],
  [
    "an extra agent that does not exist yet",
    manifest("extra_agents: {}", "extra_agents:\n  db/url: [eve]"),
    "agent eve, which does not exist yet, would be granted db/url",
    true,
  ],
  ["a second owner of the same name", addOwner, "new owner eric with the key age1", true],
  ["an unknown field of the manifest", append("manifest.yaml", "admins: [bot]\n"), "manifest.yaml says more than is named here", true],
  ["a comment in the manifest", append("manifest.yaml", "# \u202Enothing\n"), "comments, order or spelling of manifest.yaml differ", false],
  ["an environment taken away", meta("environment: production\n", ""), 'environment "production" of stripe/api-key was removed', true],
  [
    "another environment",
    meta("environment: production", "environment: test"),
    'environment of stripe/api-key is "test" instead of "production"',
    true,
  ],
  ["a weaker access", meta("access: admin", "access: read"), 'access of stripe/api-key is "read" instead of "admin"', true],
  [
    "a later expiry",
    meta(/expires: .*/, "expires: 2039-01-01T00:00:00Z"),
    'expires of stripe/api-key is "2039-01-01T00:00:00Z" instead of "2030-01-01T00:00:00Z"',
    true,
  ],
  ["an earlier expiry", meta(/expires: .*/, "expires: 2029-01-01T00:00:00Z"), "expires of stripe/api-key is ", false],
  [
    "fewer rotations",
    meta("rotate_after_days: 90", "rotate_after_days: 9000"),
    "rotate_after_days of stripe/api-key is 9000 instead of 90",
    true,
  ],
  ["a rotation that never was", meta(/rotated: .*/, "rotated: 2039-01-01T00:00:00Z"), "rotated of stripe/api-key is ", true],
  ["metadata taken away", (box) => rmSync(join(box.vault, META)), "stripe/api-key no longer has metadata", false],
  ["an unknown field of metadata", append(META, "sensitive: false\n"), `${META} says more than is named here`, true],
  [
    "an agent that only the metadata names",
    meta("authorized_agents:\n", "authorized_agents:\n- ann\n"),
    "the metadata of stripe/api-key names ann",
    true,
  ],
  [
    "metadata of a secret that does not exist yet",
    append("secrets/prod/root.meta", "name: prod/root\nenvironment: test\n"),
    'environment of prod/root, which does not exist yet, is now "test"',
    true,
  ],
  ["the policy taken away", (box) => rmSync(join(box.vault, "policy.yaml")), "policy.yaml was removed", true],
  [
    "a denial taken away",
    policy('  - name: no pushes\n    secrets: stripe/*\n    deny: { commands: ["git **"] }\n', ""),
    'policy rule "no pushes" was removed',
    true,
  ],
  ["a wider rule", policy("allow: { agents: bot }", 'allow: { agents: "*" }'), 'policy rule "agents" changed: allow is', true],
  ["a narrower rule", policy("agents: bot }", "agents: bot, branches: main }"), 'policy rule "agents" changed: allow is', false],
  ["a denial of less", policy("secrets: stripe/*", "secrets: stripe/none"), 'policy rule "no pushes" changed: secrets is', true],
  ["nobody asked", policy("approval: always", "approval: never"), 'policy rule "ask" changed: approval is', true],
  ["more asked", policy("secrets: db/*", 'secrets: [db/*, "**"]'), 'policy rule "ask" changed: secrets is', false],
  [
    "a rule without a name",
    append("policy.yaml", '  - secrets: "**"\n    allow: all\n'),
    'policy rule without a name ({"secrets":"**","allow":"all"}) is new',
    true,
  ],
  [
    "another order of the rules",
    (box) => edit(box, "policy.yaml", (text) => text.replace(/( {2}- name: agents[^]*)( {2}- name: no pushes[^]*)/, "$2$1")),
    "the rules of the policy are in another order",
    false,
  ],
  ["fewer channels", policy("version: 1\n", "version: 1\napproval_channels: [dialog]\n"), "may be asked by", false],
  ["another version of the policy", policy("version: 1", "version: 2"), "policy.yaml says more than is named here", true],
  ["a comment in the policy", append("policy.yaml", "# x\n"), "comments or spelling of policy.yaml differ", false],
  [
    "a group whose name would pass for words",
    manifest(BOT, `${BOT}  - "x\\nnothing else changes"\n`),
    'agent bot would join group "x\\nnothing else changes" when it exists',
    true,
  ],
  ["a link", (box) => symlinkSync("manifest.yaml", join(box.vault, "secrets/link")), "no signature covers was added: secrets/link", true],
  ["a policy of another shape", (box) => edit(box, "policy.yaml", () => "version: 3\nallow: all\n"), "its rules cannot be compared", true],
  ["a policy that is no YAML", append("policy.yaml", "\t}"), "policy.yaml changed, and its rules cannot be compared", true],
  ["a higher setting", append("config.yaml", "settings:\n  pull_interval: 86400\n"), "setting pull_interval is 86400 instead of 60", true],
  ["an unknown setting", append("config.yaml", "settings:\n  trust: all\n"), 'setting trust is "all" instead of nothing', true],
  ["an unknown field of the configuration", append("config.yaml", "trust: all\n"), "config.yaml says more than is named here", true],
  ["an agent's key replaced together with its escrow", replaceKey, "agent ann has a different key: age1", true],
  ["a public key of nobody", addPublicKey, "agents/eve/public.key was added", true],
  ["rules for git", append(".gitattributes", "*.pub filter=x\n"), ".gitattributes was changed", true],
  ["a file of another kind", append("deploy.sh", `echo ${VALUE}\n`), "1 file that no signature covers was added: deploy.sh", true],
];

async function addOwner(box: Sandbox): Promise<void> {
  const identity = await generateIdentity("x25519");
  edit(box, "owners/eve.pub", () => "x");
  writeFileSync(join(box.vault, "owners/eve.pub"), await identity.recipient());
  manifest("  public_key: owner.pub\n", '  public_key: owner.pub\n- name: "eric"\n  public_key: owners/eve.pub\n')(box);
}

async function addPublicKey(box: Sandbox): Promise<void> {
  const recipient = await (await generateIdentity("x25519")).recipient();
  edit(box, "agents/eve/public.key", () => recipient);
}

async function replaceKey(box: Sandbox): Promise<void> {
  const identity = await generateIdentity("x25519");
  const owner = parseRecipient(readFileSync(join(box.vault, "owner.pub"), "utf8"));
  writeFileSync(join(box.vault, "agents/ann/public.key"), await identity.recipient());
  writeFileSync(join(box.vault, "agents/ann/private.key.escrow"), await encrypt(Buffer.from(identity.reveal()), [owner]));
}

describe("what will give access or protect less one day", () => {
  it.each(CASES)("is shown wherever a change is shown: %s", async (_what, change, words, widens) => {
    const box = await vault();
    const before = box.git("rev-parse", "HEAD").trim();
    await change(box);
    const { proposal } = (await sign(box.context(), { vault: box.vault, dryRun: true, approve: () => false })) ?? {};
    const verification = await verify(box.context(), box.vault, { against: before });

    // A file of another kind is none that an owner signs.
    for (const difference of [verification.comparison!.difference, ...(proposal ? [proposal.difference] : [])]) {
      expect(difference.changes.filter(({ text }) => text.includes(words))).toMatchObject([{ widens }]);
      const lines = describeDifference(difference);
      const at = lines.findIndex((line) => line.includes(words));
      expect(lines.slice(0, at).findLast((line) => !line.startsWith(" "))).toBe(
        widens ? "Gives more access, or protects less:" : "Other changes:",
      );
      expect(lines.join("\n")).not.toMatch(/\u202E/);
    }
    const markdown = verificationMarkdown(verification);
    const escaped = words.replaceAll("|", "\\u007c");
    const row = markdown.findIndex((line) => line.startsWith("| `") && line.includes(escaped));
    expect(markdown.slice(0, row).findLast((line) => line.startsWith("####"))).toBe(
      widens ? "#### More access, or less protection" : "#### Other changes",
    );
    expect(JSON.stringify([proposal, verification.comparison, markdown])).not.toContain(VALUE);
    if (words.includes("no signature covers")) expect(proposal).toBeUndefined();
  });
});

describe("the environment of a secret", () => {
  it.each([
    ["production", undefined, true],
    ["production", "test", true],
    ["production", "prod-eu", false],
    ["test", "production", false],
    [undefined, "production", false],
    [undefined, "test", false],
  ])("from %s to %s, where no policy goes by it, widens: %s", async (before, after, widens) => {
    const files = await filesOf(await vault());
    files.delete("policy.yaml");
    const state = (environment: string | undefined) => {
      const text = Buffer.from(files.get(META)!).toString().replace("environment: production\n", "");
      return stateOf(new Map([...files, [META, Buffer.from(environment === undefined ? text : `${text}environment: ${environment}\n`)]]));
    };
    expect(differenceBetween(state(before), state(after)).changes).toMatchObject([{ kind: "attribute", widens }]);
  });
});

describe("whatever is done to the files of a vault", () => {
  it("is shown, and stops no comparison", async () => {
    const files = await filesOf(await vault());
    const junk = [
      "",
      "# x",
      "  - prod",
      "x: &a [1]",
      "\t",
      "- name: bot",
      "  groups: null",
      "rules: {}",
      "settings: 1",
      "?",
      "extra_agents: null",
      "\uFFFE",
    ];
    const edits = fc.array(
      fc.record({
        file: fc.constantFrom(...files.keys()),
        at: fc.nat(40),
        remove: fc.nat(3),
        add: fc.array(fc.constantFrom(...junk), { maxLength: 2 }),
      }),
      { minLength: 1, maxLength: 3 },
    );
    fc.assert(
      fc.property(edits, fc.boolean(), (list, isReversed) => {
        const changed = new Map(files);
        for (const { file, at, remove, add } of list) {
          const lines = Buffer.from(changed.get(file)!).toString("latin1").split("\n");
          lines.splice(Math.min(at, lines.length), remove, ...add);
          changed.set(file, Buffer.from(lines.join("\n"), "latin1"));
        }
        const touched = [...files.keys()].filter((file) => Buffer.compare(files.get(file)!, changed.get(file)!) !== 0);
        const [before, after] = isReversed ? [changed, files] : [files, changed];
        const difference = differenceBetween(stateOf(before), stateOf(after));
        const { secrets, files: others, changes } = difference;
        expect(secrets.changed.length + others.length).toBe(touched.length);
        expect(changes.length > 0).toBe(touched.length > 0);
        expect(JSON.stringify(describeDifference(difference))).not.toContain(VALUE);
      }),
      { numRuns: 300 },
    );
  });
});

/** All but the signature and what follows from it. */
async function filesOf(box: Sandbox): Promise<Map<string, Uint8Array>> {
  const folder = new VaultFolder(box.vault);
  const names = folder.walk().flatMap(({ file }) => (/^(?:vault\.|signers\/)/.test(file) ? [] : [file]));
  const files = new Map(names.map((file) => [file, folder.read(file)!]));
  return files.set("config.yaml", Buffer.from(withoutSignedFiles(files.get("config.yaml")!)));
}

function stateOf(files: ReadonlyMap<string, Uint8Array>): VaultState {
  const walk = (folder = "") =>
    [...files.keys()].filter((file) => file.startsWith(folder)).map((file) => ({ file, kind: "file" as const }));
  return new VaultState({ root: "/vault", read: (file) => files.get(file), walk });
}

describe("a state that cannot be read", () => {
  it("has an entry shown that is left out of the manifest, which nobody can sign", async () => {
    const box = await vault();
    const before = box.git("rev-parse", "HEAD").trim();
    manifest("\ngroups:\n", "\n- name: bot\n  groups: [prod]\ngroups:\n")(box);
    const { difference } = (await verify(box.context(), box.vault, { against: before })).comparison!;
    expect(difference.changes).toMatchObject([{ kind: "file", subject: "manifest.yaml", widens: true }]);
    expect(difference.lines.map(({ file }) => file)).toEqual(["manifest.yaml"]);
  });

  it.each<[string, string, (box: Sandbox) => unknown]>([
    ["a manifest", "manifest.yaml", append("manifest.yaml", "agents: [\n")],
    ["a configuration", "config.yaml", append("config.yaml", "version: 2\n")],
    ["metadata", META, append(META, "access: all\n")],
    ["an agent's key", "agents/ann/public.key", append("agents/ann/public.key", "x")],
  ])("has its lines shown: %s", async (_what, file, change) => {
    const box = await vault();
    const before = box.git("rev-parse", "HEAD").trim();
    await change(box);
    const verification = await verify(box.context(), box.vault, { against: before });
    const { changes, lines, unreadable } = verification.comparison!.difference;
    expect(unreadable).toMatchObject([{ file, side: "after" }]);
    expect(changes).toContainEqual(expect.objectContaining({ kind: "unreadable", subject: file, widens: true }));
    expect(lines.find((one) => one.file === file)!.lines.some((line) => line.startsWith("+"))).toBe(true);
    expect(verificationMarkdown(verification)).toContain(`#### \`${file}\``);

    // The other way round, the warning tells that the comparison is not whole.
    box.git("add", "--all");
    box.git("commit", "--quiet", "--no-verify", "--message", "broken");
    const broken = box.git("rev-parse", "HEAD").trim();
    box.git("revert", "--no-edit", "HEAD");
    const back = await verify(box.context(), box.vault, { against: broken });
    expect(back.findings.map(({ kind }) => kind)).toContain("against");
    expect(back.comparison!.difference.unreadable).toMatchObject([{ file, side: "before" }]);
  });
});

describe("lines that are shown", () => {
  it("end no code block, act on no terminal, and repeat no private key", async () => {
    const box = await vault();
    const before = box.git("rev-parse", "HEAD").trim();
    const key = (await generateIdentity("x25519")).reveal();
    const pem = ["-----BEGIN PRIVATE", "KEY-----"].join(" ");
    appendFileSync(join(box.vault, "manifest.yaml"), `# \`\`\`\`\n# </code> @team \u001B[2J ${key}\n# ${pem}\n# MC4CAQAwBQYDK2VwBCIEIKx\n`);
    const markdown = verificationMarkdown(await verify(box.context(), box.vault, { against: before }));
    const start = markdown.indexOf("`````diff");
    const block = markdown.slice(start + 1, markdown.indexOf("`````", start));
    expect(block.filter((line) => line.startsWith("+"))).toEqual([
      "+# ````",
      "+# </code> @team \\u001b[2J (a private key)",
      "+(a private key)",
      "+(a private key)",
    ]);
  });
});

describe("the command line", () => {
  it("shows it on sign and on verify --against, in words, JSON and Markdown", async () => {
    const box = await vault();
    const before = box.git("rev-parse", "HEAD").trim();
    manifest(`${BOT}  - stripe\n`, `${BOT}  - stripe\n  - prod\n`)(box);
    const words = "agent bot would join group prod when it exists";
    const change = { kind: "membership", subject: "bot", widens: true, text: words };
    expect(await box.ok("sign", "--dry-run")).toContain(`\n  Gives more access, or protects less:\n    ${words}\n`);
    expect(JSON.parse(await box.ok("sign", "--dry-run", "--json")).difference.changes).toEqual([change]);
    const shown = async (...format: string[]) => (await box.cli(["verify", "--against", before, ...format])).stdout.toString();
    expect(await shown()).toContain(`\n  Gives more access, or protects less:\n    ${words}\n`);
    expect(JSON.parse(await shown("--json")).against.difference.changes).toEqual([change]);
    expect(await shown("--format", "markdown")).toContain(`\n| \`${words}\` | \`membership\` |\n`);
  });
});
