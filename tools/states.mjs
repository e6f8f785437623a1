// Makes the vaults and keys of fixtures/states anew, with keys of their own: node tools/states.mjs, after a build.
// Afterwards: agent-vault scan fixtures/states --allow, and the digests in fixtures/states/cases.json, which it prints.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { parseIdentity, processContext, SigningKey, VaultFolder } from "../packages/vault/dist/index.js";
import { signState } from "../packages/vault/dist/change/sign-state.js";
import { parentState } from "../packages/vault/dist/change/parents.js";
import { VaultFiles } from "../packages/vault/dist/files/vault-files.js";
import { Config } from "../packages/vault/dist/format/config.js";
import { digestOf } from "../packages/vault/dist/lock/digest.js";
import { formatLock, parseLock } from "../packages/vault/dist/lock/lock.js";
import { openLock } from "../packages/vault/dist/lock/open-lock.js";
import { digestsIn, SignedFiles, summarize } from "../packages/vault/dist/lock/signed-files.js";
import { root } from "./setup.mjs";

const target = join(root, "fixtures/states");
const place = mkdtempSync(join(tmpdir(), "agent-vault-states-"));
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
const context = processContext({ home, env });

try {
  for (const folder of ["vaults", "keys"]) rmSync(join(target, folder), { recursive: true, force: true });
  mkdirSync(join(target, "keys"), { recursive: true });
  mkdirSync(repository);
  writeFileSync(env.GIT_CONFIG_GLOBAL, "[user]\n\tname = Olivia Owner\n\temail = olivia@example.com\n[init]\n\tdefaultBranch = main\n");
  make();
} finally {
  rmSync(place, { recursive: true, force: true });
}

function make() {
  run("git", "init", "--quiet");
  cli("init", "--no-hook");
  set("stripe/api-key", "sk_test_first");
  cli("add-agent", "bot");
  cli("grant", "bot", "stripe");
  cli("add-owner", "paul", "--key-out", join(place, "paul.key"));
  const base = run("git", "rev-parse", "HEAD").trim();
  set("stripe/api-key", "sk_test_of_paul", "--key", join(place, "paul.key"));
  const byPaul = join(place, "by-paul");
  cpSync(vault, byPaul, { recursive: true });
  set("stripe/api-key", "sk_test_third");
  keep("linear");
  key("owner", join(home, "owner.key"));
  key("paul", join(place, "paul.key"));
  key("bot", join(home, "agents/bot.key"));
  const signer = signerOf(join(home, "owner.key"));

  const vary = (name, change) => {
    change();
    keep(name, "linear");
    lay("linear");
  };
  vary("signed-by-paul", () => cpSync(byPaul, vault, { recursive: true }));
  const lockText = () => readFileSync(join(vault, "vault.lock"), "latin1");
  const withLock = (text) => writeLock(Buffer.from(text, "latin1"), signer);
  const withParents = (parents, version = 2) => {
    const list = `previous:\n${parents.map((digest) => `  - ${digest}\n`).join("")}`;
    withLock(
      lockText()
        .replace("version: 1", `version: ${version}`)
        .replace(/^previous: .*\n/m, list),
    );
  };
  const states = ["a", "b", "c", "d", "e", "f", "g", "h", "i"].map(digestOf).toSorted();
  vary("version-3", () => withLock(lockText().replace("version: 1", "version: 3")));
  vary("eight-parents", () => withParents(states.slice(0, 8)));
  vary("nine-parents", () => withParents(states));
  vary("one-parent-in-a-list", () => withParents(states.slice(0, 1)));
  vary("parents-in-another-order", () => withParents(states.slice(0, 2).toReversed()));
  vary("a-parent-twice", () => withParents([states[0], states[0]]));
  vary("parents-in-version-1", () => withParents(states.slice(0, 2), 1));
  vary("version-2-with-one-parent", () => withLock(lockText().replace("version: 1", "version: 2")));

  const listed = () => readFileSync(join(vault, "vault.states"), "latin1").split("\n").filter(Boolean);
  const withStates = (text) => {
    writeFileSync(join(vault, "vault.states"), text, "latin1");
    resign(signer);
  };
  vary("states-in-another-order", () => withStates(`${listed().toReversed().join("\n")}\n`));
  vary("a-state-twice", () => withStates(`${[listed()[0], ...listed()].join("\n")}\n`));
  vary("states-in-full", () => withStates(`${states.map((digest) => digest.slice("sha256:".length)).join("\n")}\n`));
  vary("states-without-last-line-end", () => withStates(listed().join("\n")));
  vary("states-empty", () => withStates(""));

  const [file] = readdirSync(join(vault, "signers")).toSorted();
  const name = join(vault, "signers", file.replace(/\.\w+$/, ""));
  vary("signer-with-a-wrong-signature", () => {
    writeFileSync(`${name}.sig`, signer.sign(Buffer.from("other bytes")));
    resign(signer);
  });
  vary("signer-without-a-signature", () => {
    rmSync(`${name}.sig`);
    resign(signer);
  });
  vary("signer-under-another-name", () => {
    const other = join(vault, "signers", "0a".repeat(32));
    for (const end of [".lock", ".sig"]) {
      cpSync(`${name}${end}`, `${other}${end}`);
    }
    resign(signer);
  });
  vary("signer-of-another-vault", () => {
    const lock = { ...parseLock(readFileSync(`${name}.lock`)), vault: "11111111-1111-4111-8111-111111111111" };
    const bytes = formatLock(lock);
    const other = join(vault, "signers", digestOf(bytes).slice("sha256:".length));
    writeFileSync(`${other}.lock`, bytes);
    writeFileSync(`${other}.sig`, signer.sign(bytes));
    resign(signer);
  });

  const withConfig = (edit) => {
    const config = join(vault, "config.yaml");
    writeFileSync(config, edit(readFileSync(config, "utf8")));
    relock(signer);
  };
  vary("signed-files-as-a-flow-mapping", () => withConfig((text) => text.replace(/signed_files:\n[^]*/, "signed_files: {}\n")));
  vary("signed-files-in-another-order", () => withConfig((text) => text.replace(/( {2}signers.*\n)( {2}vault.*\n)/, "$2$1")));
  vary("signed-files-twice", () => withConfig((text) => text + /signed_files:\n[^]*/.exec(text)[0]));
  vary("signed-files-of-a-later-version", () => {
    writeFileSync(join(vault, "zones.yaml"), "version: 1\n");
    withConfig((text) => `${text}  zones.yaml: ${digestOf("version: 1\n")}\n`);
  });

  // Two owners, each on a clone of their own.
  const ours = stateIn(vault);
  run("git", "checkout", "--quiet", "--detach", base);
  rmSync(join(home, "trust"), { recursive: true, force: true });
  set("db/password", "of olivia");
  const theirs = stateIn(vault);
  const added = new Map(
    ["secrets/db/password.enc", "secrets/db/password.meta", "manifest.yaml"].map((path) => [path, readFileSync(join(vault, path))]),
  );
  lay("linear");
  const { files } = signState(context, signer, {
    vault: ours.signed.lock.vault,
    parents: [ours, theirs],
    owners: ours.signed.lock.owners,
    digests: digestsIn(new VaultFolder(vault)),
    config: readFileSync(join(vault, "config.yaml")),
    files: added,
  });
  for (const [path, bytes] of files) {
    mkdirSync(dirname(join(vault, path)), { recursive: true });
    if (bytes === null) rmSync(join(vault, path));
    else writeFileSync(join(vault, path), bytes);
  }
  keep("merged", "linear");

  for (const kept of ["linear", "signed-by-paul", "merged", "eight-parents", "signed-files-of-a-later-version"]) {
    lay("linear");
    if (kept !== "linear") cpSync(join(target, "vaults", kept), vault, { recursive: true });
    const { signed, signers } = stateIn(vault);
    const { sequence, previous } = signed.lock;
    const states = listed();
    process.stdout.write(`${kept}: ${JSON.stringify({ sequence, previous, states, signers: signers.map(({ digest }) => digest) })}\n`);
  }
}

/** The state in a vault's folder, every file of it as it was signed. */
function stateIn(folder) {
  const files = new VaultFiles(folder);
  const signed = openLock(files.read("vault.lock"), files.read("vault.lock.sig"));
  files.vouch(new SignedFiles(signed.lock, files.source));
  files.signed.requireAll();
  return parentState({ get: () => undefined }, files, signed);
}

function signerOf(file) {
  const identity = parseIdentity(/^AGE-SECRET-KEY-.*$/m.exec(readFileSync(file, "utf8"))[0]);
  return new SigningKey(identity, parseLock(readFileSync(join(vault, "vault.lock"))).vault);
}

/** Signs what lies in the work tree, whatever it is. */
function resign(signer) {
  const config = join(vault, "config.yaml");
  writeFileSync(config, Config.parse(readFileSync(config)).withSignedFiles(summarize(digestsIn(new VaultFolder(vault))).added));
  relock(signer);
}

function relock(signer) {
  const { files, trees } = summarize(digestsIn(new VaultFolder(vault)));
  writeLock(formatLock({ ...parseLock(readFileSync(join(vault, "vault.lock"))), files, trees }), signer);
}

function writeLock(bytes, signer) {
  writeFileSync(join(vault, "vault.lock"), bytes);
  writeFileSync(join(vault, "vault.lock.sig"), signer.sign(bytes));
}

/** Lays a vault that was kept into the work tree. */
function lay(name) {
  rmSync(vault, { recursive: true, force: true });
  cpSync(join(target, "vaults", name), vault, { recursive: true });
}

/** Keeps the vault as it is now: all of it, or what differs from one that was kept before. */
function keep(name, base) {
  const folder = join(target, "vaults", name);
  for (const path of readdirSync(vault, { recursive: true })) {
    if (!statSync(join(vault, path)).isFile()) continue;
    const kept = base === undefined ? undefined : join(target, "vaults", base, path);
    if (kept && existsSync(kept) && readFileSync(kept).equals(readFileSync(join(vault, path)))) continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    cpSync(join(vault, path), join(folder, path));
  }
}

function key(name, file) {
  const warning = "# A test key of agent-vault: published and worthless\n";
  writeFileSync(join(target, `keys/${name}.key`), warning + readFileSync(file, "utf8"));
}

function set(path, value, ...flags) {
  run(process.execPath, join(root, "packages/cli/bin/agent-vault.js"), "set", path, "--exact", ...flags, { input: value });
}

function cli(...words) {
  return run(process.execPath, join(root, "packages/cli/bin/agent-vault.js"), ...words);
}

function run(program, ...words) {
  const options = typeof words.at(-1) === "object" ? words.pop() : {};
  const { status, stdout, stderr } = spawnSync(program, words, { cwd: repository, env, input: "", ...options });
  if (status !== 0) throw new Error(`${program} ${words.join(" ")}: ${stderr}`);
  return stdout.toString();
}
