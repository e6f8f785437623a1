// Makes the vaults and keys of fixtures/conformance anew, with keys of their own: node tools/conformance.mjs, after a build.
// Afterwards: agent-vault scan fixtures/conformance --allow. What is expected of them stands in fixtures/conformance/cases.json.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { Encrypter } from "age-encryption";
import { encrypt, generateIdentity, parseIdentity, parseRecipient, SigningKey, VaultFolder } from "../packages/vault/dist/index.js";
import { digestOf } from "../packages/vault/dist/lock/digest.js";
import { formatLock, parseLock } from "../packages/vault/dist/lock/lock.js";
import { digestsIn, summarize } from "../packages/vault/dist/lock/signed-files.js";
import { root } from "./setup.mjs";

const target = join(root, "fixtures/conformance");
const place = mkdtempSync(join(tmpdir(), "agent-vault-conformance-"));
const home = join(place, "home");
const env = {
  PATH: process.env.PATH,
  HOME: place,
  AGENT_VAULT_HOME: home,
  AGENT_VAULT_AUDIT: "off",
  USER: "olivia",
  GIT_CONFIG_GLOBAL: join(place, "gitconfig"),
  GIT_CONFIG_NOSYSTEM: "1",
};
const repository = join(place, "repository");
const vault = join(repository, ".agent-vault");

try {
  for (const folder of ["vaults", "keys", "trust"]) rmSync(join(target, folder), { recursive: true, force: true });
  mkdirSync(join(target, "keys"), { recursive: true });
  mkdirSync(repository);
  writeFileSync(env.GIT_CONFIG_GLOBAL, "[user]\n\tname = Olivia Owner\n\temail = olivia@example.com\n[init]\n\tdefaultBranch = main\n");
  await make();
} finally {
  rmSync(place, { recursive: true, force: true });
}

async function make() {
  run("git", "init", "--quiet");
  cli("init", "--no-hook");
  set("stripe/api-key", "sk_test_first", "--expires", "2031-01-02T03:04:05Z");
  set("stripe/cert", Buffer.from([0, 200, 255, 10]));
  set("token", "of the default group");
  set("deep/er/value", "two lines\nand an é, without a newline at the end");
  set("empty/value", "");
  set("other/secret", "not for bot");
  set("armored/value", "in armor");
  for (const agent of ["bot", "idle"]) cli("add-agent", agent);
  for (const group of ["stripe", "default", "deep", "empty", "armored"]) cli("grant", "bot", group);
  cli("grant", "idle", "deep/er/value");
  const armored = join(vault, "secrets/armored/value.enc");
  const lines = readFileSync(armored)
    .toString("base64")
    .match(/.{1,64}/g);
  writeFileSync(armored, ["-----BEGIN AGE ENCRYPTED FILE-----", ...lines, "-----END AGE ENCRYPTED FILE-----", ""].join("\n"));
  signByCommand();
  keep("first");
  const first = run("git", "rev-parse", "HEAD").trim();
  key("owner", readFileSync(join(home, "owner.key")));
  for (const agent of ["bot", "idle"]) key(agent, readFileSync(join(home, `agents/${agent}.key`)));
  const bot = readFileSync(join(home, "agents/bot.key"), "utf8");
  const identity = /^AGE-SECRET-KEY-.*$/m.exec(bot)[0];
  key("bot-without-comments", `${identity}\n`);
  key("bot-knowing-the-owner", bot.replace(/^# state: .*\n/m, ""));
  const passphrase = new Encrypter();
  passphrase.setPassphrase("a passphrase for tests");
  passphrase.setScryptWorkFactor(10);
  key("protected", await passphrase.encrypt(bot));
  const stranger = await generateIdentity("x25519");
  key("stranger", `${stranger.reveal()}\n`);
  const { vault: id } = parseLock(readFileSync(join(vault, "vault.lock")));
  const owner = parseIdentity(/^AGE-SECRET-KEY-.*$/m.exec(readFileSync(join(home, "owner.key"), "utf8"))[0]);
  const signers = { owner: new SigningKey(owner, id).publicKey, stranger: new SigningKey(stranger, id).publicKey };
  writeFileSync(join(target, "signers.json"), `${JSON.stringify(signers, null, 2)}\n`);
  key("of-another-vault", bot.replace(/^# vault: .*$/m, "# vault: 00000000-0000-4000-8000-000000000000"));

  set("stripe/api-key", "sk_test_second");
  keep("second", "first");
  trust("second");
  await from(first, "fork", () => set("stripe/api-key", "sk_test_fork"));
  await from(first, "stranger", async () => {
    const file = join(vault, "secrets/stripe/api-key.enc");
    const recipients = ["owner.pub", "agents/bot/public.key"].map((name) => parseRecipient(readFileSync(join(vault, name), "utf8")));
    writeFileSync(file, await encrypt(Buffer.from("sk_of_mallory"), recipients));
    resign(stranger, (key) => ({ owners: [{ name: "olivia", key: key.publicKey }] }));
  });
  await from(first, "stranger-among-owners", () => resign(stranger, () => ({})));
  await from(first, "expired", () => resign(owner, () => ({ validUntil: new Date("2026-01-01T00:00:00Z") })));
  await from(first, "leap", () => resign(owner, () => ({ sequence: 2 ** 40 })));
  await from(first, "policy", () => {
    writeFileSync(
      join(vault, "policy.yaml"),
      "version: 1\nrules:\n  - secrets: [token]\n    allow: all\n  - secrets: [stripe/**]\n    deny: all\n",
    );
    signByCommand();
    trust("policy");
  });
  await from(first, "other-vault", () => {
    const config = join(vault, "config.yaml");
    writeFileSync(config, readFileSync(config, "utf8").replace(/^id: .*$/m, "id: 11111111-1111-4111-8111-111111111111"));
    resign(owner, () => ({ vault: "11111111-1111-4111-8111-111111111111" }));
  });

  run("git", "checkout", "--quiet", "main");
  cli("add-owner", "paul", "--key-out", join(place, "paul.key"));
  keep("two-owners");
  key("paul", `# role: owner\n${/^AGE-SECRET-KEY-.*$/m.exec(readFileSync(join(place, "paul.key"), "utf8"))[0]}\n`);
  cli("set", "token", "of paul", "--key", join(place, "paul.key"));
  keep("by-paul", "two-owners");
}

/** Makes another state of one that was there before. */
async function from(commit, name, change) {
  run("git", "checkout", "--quiet", "--detach", commit);
  // Its owner has seen a later state, and makes this one on a machine that has not.
  rmSync(join(home, "trust"), { recursive: true, force: true });
  await change();
  keep(name, "first");
  run("git", "reset", "--quiet", "--hard");
  run("git", "clean", "--quiet", "-dfx");
  run("git", "checkout", "--quiet", "main");
}

/** Keeps the vault as it is now: all of it, or what differs from one that was kept before. */
function keep(name, base) {
  const folder = join(target, "vaults", name);
  for (const file of filesIn(vault)) {
    const content = readFileSync(join(vault, file));
    if (base !== undefined && same(join(target, "vaults", base, file), content)) continue;
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), content);
  }
}

function trust(name) {
  const folder = join(home, "trust");
  const file = readdirSync(folder).find((entry) => entry.endsWith(".json"));
  mkdirSync(join(target, "trust"), { recursive: true });
  cpSync(join(folder, file), join(target, `trust/${name}.json`));
  writeFileSync(join(target, "trust/damaged.json"), "{\n");
}

function key(name, content) {
  const warning = "# A test key of agent-vault: published and worthless\n";
  const bytes = Buffer.from(content);
  writeFileSync(join(target, `keys/${name}.key`), bytes.includes("AGE-SECRET-KEY-") ? Buffer.concat([Buffer.from(warning), bytes]) : bytes);
}

/** Signs what lies in the work tree as the next state, as whoever holds the identity. */
function resign(identity, change) {
  const file = join(vault, "vault.lock");
  const before = readFileSync(file);
  const lock = parseLock(before);
  const { files, trees } = summarize(digestsIn(new VaultFolder(vault)));
  const changed = change(new SigningKey(identity, lock.vault));
  const signer = new SigningKey(identity, changed.vault ?? lock.vault);
  const owners = changed.vault ? [{ name: "olivia", key: signer.publicKey }] : lock.owners;
  const bytes = formatLock({ ...lock, sequence: lock.sequence + 1, previous: [digestOf(before)], files, trees, owners, ...changed });
  writeFileSync(file, bytes);
  writeFileSync(`${file}.sig`, signer.sign(bytes));
}

function signByCommand() {
  const { digest } = JSON.parse(cli("sign", "--dry-run", "--json"));
  cli("sign", "--yes", digest);
}

function set(path, value, ...flags) {
  run(process.execPath, join(root, "packages/cli/bin/agent-vault.js"), "set", path, "--exact", "--empty", ...flags, { input: value });
}

function cli(...words) {
  return run(process.execPath, join(root, "packages/cli/bin/agent-vault.js"), ...words);
}

function run(program, ...words) {
  const options = typeof words.at(-1) === "object" ? words.pop() : {};
  const { status, stdout, stderr } = spawnSync(program, words, { cwd: repository, env, input: "", ...options });
  if (status !== 0) throw new Error(`${words.join(" ")} ended with ${status}: ${stderr}`);
  return stdout.toString();
}

function filesIn(folder) {
  return readdirSync(folder, { recursive: true })
    .map(String)
    .filter((file) => statSync(join(folder, file)).isFile());
}

function same(file, content) {
  try {
    return readFileSync(file).equals(content);
  } catch {
    return false;
  }
}
