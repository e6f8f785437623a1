import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";
import { promisify } from "node:util";
import { hookStatus } from "@agent-vault/hooks";
import { engineVersion, openLedgerAt, settingsFile } from "@agent-vault/ledger";
import {
  checkKeyFiles,
  detectHarness,
  findVault,
  GitRepository,
  identifyPrincipal,
  isAuditOff,
  findKeys,
  readUnrecordedPeriod,
  readTrust,
  trustFile,
  VaultError,
  VaultFiles,
  vaultIdIn,
  VaultTrust,
  type Context,
  type KeyChoice,
  plural,
} from "@agent-vault/vault";
import { error, ok, warning, type Diagnosis } from "./diagnosis.js";

/** Below these agent-vault is not tested. */
const OLDEST_NODE = [20, 19] as const;
const OLDEST_GIT = [2, 34] as const;
/** A ledger that is larger than this is worth pruning, in bytes. */
const LARGE_LEDGER = 512 * 2 ** 20;
/** Clocks differ by less than this, in milliseconds. */
const CLOCK_TOLERANCE = 300_000;

/** Looks at all that agent-vault stands on: programs, keys, the vault that is here, its hook and its ledger. Changes nothing. */
export async function examine(context: Context, version: string, key: KeyChoice): Promise<Diagnosis[]> {
  const root = vaultHere(context);
  const found: Diagnosis[] = [programs(version), node(), await git(context), await engine(context)];
  found.push(...keyFiles(context), keyAtHand(context, root, key));
  if (root === undefined) return [...found, ok("vault", "there is none in this folder or above it; agent-vault init makes one")];
  found.push(
    ...(await vault(context, root, key)),
    await gitIdentity(context, root),
    await hook(context, root),
    await ledger(context, root, key),
  );
  return found;
}

function vaultHere(context: Context): string | undefined {
  try {
    return findVault(context);
  } catch {
    return undefined;
  }
}

function programs(version: string): Diagnosis {
  return ok("agent-vault", `${version}${detectHarness(process.env) ? `, started by ${detectHarness(process.env)}, it seems` : ""}`);
}

function node(): Diagnosis {
  const { version, platform, arch } = process;
  const message = `${version} on ${platform} ${arch}`;
  return isOlder(version.slice(1), OLDEST_NODE)
    ? error("node", message, `Install Node ${OLDEST_NODE.join(".")} or later.`)
    : ok("node", message);
}

async function git(context: Context): Promise<Diagnosis> {
  const version = /\d+\.\d+(?:\.\d+)?/.exec(await output(context, "git", ["--version"]))?.[0];
  if (version === undefined) return error("git", "git could not be started", "Install git, or put it on the PATH.");
  if (isOlder(version, OLDEST_GIT)) return warning("git", version, `agent-vault is tested with git ${OLDEST_GIT.join(".")} and later.`);
  return ok("git", version);
}

async function engine(context: Context): Promise<Diagnosis> {
  if (isAuditOff(context.env))
    return warning(
      "audit",
      "AGENT_VAULT_AUDIT is off, so nothing that is done here is recorded",
      "Unset it, where this machine has a disk.",
    );
  try {
    return ok("engine", `the database engine ${await engineVersion()} can be loaded`);
  } catch (failure) {
    if (!(failure instanceof VaultError)) throw failure;
    return error("engine", failure.message, failure.remedy ?? "");
  }
}

function keyFiles(context: Context): Diagnosis[] {
  const found: Diagnosis[] = [];
  checkKeyFiles(context, (severity, _kind, _subject, message, remedy) => found.push({ subject: "keys", state: severity, message, remedy }));
  if (found.length > 0) return found;
  return [
    existsSync(context.home) ? ok("keys", `${context.home} is closed to others`) : ok("keys", `there are none yet in ${context.home}`),
  ];
}

function keyAtHand(context: Context, root: string | undefined, key: KeyChoice): Diagnosis {
  const vaultId = () => (root === undefined ? undefined : vaultIdIn(new VaultFiles(root).source));
  try {
    const keys = findKeys(context, { ...key, vaultId });
    return keys
      ? ok("key", `read from ${keys.source}`)
      : warning(
          "key",
          "none can be read without asking",
          "Give one with --key FILE or AGENT_VAULT_KEY; one with a passphrase needs a terminal.",
        );
  } catch (failure) {
    if (!(failure instanceof VaultError)) throw failure;
    return error("key", failure.message, failure.remedy ?? "");
  }
}

async function vault(context: Context, root: string, key: KeyChoice): Promise<Diagnosis[]> {
  const files = new VaultFiles(root);
  const keys = findKeys(context, { ...key, vaultId: () => vaultIdIn(files.source) });
  try {
    const trusted = await new VaultTrust({ ...context, warn: () => {} }, root, keys).verify(files);
    if (!trusted) return [warning("vault", `${root} is signed by nobody`, "An owner signs it: agent-vault sign.")];
    const principal = keys && (await identifyPrincipal(files, keys));
    const who =
      principal === undefined
        ? ""
        : principal.name === undefined
          ? "; your key is not one of its"
          : `; you are ${principal.role} ${principal.name}`;
    return [
      ok("vault", `${root}, state ${trusted.lock.sequence}${who}`),
      pins(context, trusted.lock.vault),
      clock(context, trusted.lock.signedAt),
    ];
  } catch (failure) {
    if (!(failure instanceof VaultError)) throw failure;
    return [error("vault", failure.message, failure.remedy ?? "")];
  }
}

function pins(context: Context, vaultId: string): Diagnosis {
  const memory = readTrust(context, vaultId);
  if (!memory) return ok("trust", "nothing of this vault is remembered yet");
  const message = `state ${memory.sequence} is remembered in ${trustFile(context, vaultId)}`;
  if (memory.pinned.length > 0) return ok("trust", `${message}, and its owner's key was vouched for`);
  return warning(
    "trust",
    `${message}, whose signer was taken on their word`,
    "Compare the fingerprint (agent-vault list-owners) with its owner's, and set AGENT_VAULT_OWNER to the key.",
  );
}

function clock(context: Context, signedAt: Date): Diagnosis {
  const ahead = signedAt.getTime() - context.now().getTime();
  if (ahead <= CLOCK_TOLERANCE) return ok("clock", `${context.now().toISOString()}, after the vault was signed`);
  return warning(
    "clock",
    `this machine's clock is ${Math.round(ahead / 60_000)} minutes behind the vault's signature`,
    "Set it: expiry, tokens and rotation go by it.",
  );
}

async function gitIdentity(context: Context, root: string): Promise<Diagnosis> {
  const repository = await GitRepository.find(context, root).catch(() => undefined);
  if (!repository)
    return warning("repository", `${root} lies in no git repository`, "Run git init there, so that changes can be committed.");
  const email = (await repository.try(["config", "user.email"]))?.trim();
  return email
    ? ok("repository", `${repository.workTree}, commits as ${email}`)
    : warning("repository", "git does not know who you are", "Owners set it: git config --global user.name NAME and user.email ADDRESS.");
}

async function hook(context: Context, root: string): Promise<Diagnosis> {
  const status = await hookStatus(context, root).catch(() => undefined);
  return status?.installed
    ? ok("hook", "the pre-commit check is installed")
    : warning("hook", "the pre-commit check is not installed in this clone", "agent-vault hook install");
}

async function ledger(context: Context, root: string, key: KeyChoice): Promise<Diagnosis> {
  if (isAuditOff(context.env)) return ok("ledger", "not in use");
  try {
    const health = await (await openLedgerAt({ ...context, passphrase: undefined }, root, key)).health();
    const { file, bytes, auditRows, indexedSecrets, schema, cipher, setAside } = health;
    const message = `${file}: ${size(bytes)}, ${auditRows} audit rows, ${plural(indexedSecrets, "secret")} indexed, schema ${schema}, ${cipher}, key from ${health.key}`;
    const gap = readUnrecordedPeriod(context, vaultIdIn(new VaultFiles(root).source) ?? "");
    if (gap)
      return warning("ledger", `${message}; the record was off ${gap.count} times since ${gap.since}`, "The next use puts that on record.");
    if (setAside.length > 0)
      return warning(
        "ledger",
        `${message}; set aside as damaged: ${setAside.join(", ")}`,
        "Look at why (a disk, a copy while in use?), then move them away.",
      );
    if (bytes > LARGE_LEDGER)
      return warning("ledger", message, "Export and cut old rows: agent-vault audit export, agent-vault audit prune.");
    return ok("ledger", existsSync(settingsFile(context)) ? `${message}; settings from ${settingsFile(context)}` : message);
  } catch (failure) {
    if (!(failure instanceof VaultError)) throw failure;
    return error("ledger", failure.message, failure.remedy ?? "");
  }
}

function size(bytes: number): string {
  return bytes < 2 ** 20 ? `${Math.ceil(bytes / 1024)} KiB` : `${Math.round(bytes / 2 ** 20)} MiB`;
}

function isOlder(version: string, [major, minor]: readonly [number, number]): boolean {
  const [itsMajor = 0, itsMinor = 0] = version.split(".").map(Number);
  return itsMajor < major || (itsMajor === major && itsMinor < minor);
}

async function output(context: Context, program: string, words: readonly string[]): Promise<string> {
  try {
    return (await promisify(execFile)(program, words, { cwd: context.cwd })).stdout;
  } catch {
    return "";
  }
}
