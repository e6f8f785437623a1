import process from "node:process";
import {
  digestOf,
  formatSecretPath,
  LOCK_FILE,
  LOCK_SIGNATURE_FILE,
  loadVaultKeys,
  MANIFEST_FILE,
  metadataFile,
  parseSecretPath,
  fetchStates,
  findVaultKeys,
  readingFingerprint,
  secretFile,
  VaultError,
  openVault,
  type Context,
  type KeyChoice,
  type SecretPath,
} from "@agent-vault/vault/read-only";
import type { VaultState } from "@agent-vault/vault";
import { typedError } from "./errors.js";
import { requireKnown } from "./options.js";
import { Watch, type SecretChange, type WatchOptions } from "./watch.js";

/** What `startWatch` needs: the vault's folder, the secret, the key, and the caller's callback and options, which it checks. */
export interface WatchRequest {
  readonly context: Context;
  /** The vault's folder. */
  readonly root: string;
  readonly path: string;
  readonly key: KeyChoice;
  readonly pull: boolean;
  readonly callback: (change: SecretChange) => unknown;
  readonly options: WatchOptions;
  /** All that go on. */
  readonly watches: Set<Watch>;
}

const DEFAULT_INTERVAL_MS = 1000;
/** More is no delay for a timer. */
const MAX_INTERVAL_MS = 2 ** 31 - 1;

/** @throws VaultError `SECRET_NOT_FOUND`, `USAGE`, and what loading a key, pulling and verifying throw */
export async function startWatch(request: WatchRequest): Promise<Watch> {
  const { context, root, callback, watches } = request;
  const { signal, interval = DEFAULT_INTERVAL_MS, persistent = true, onError } = checkOptions(request.options, callback);
  const path = parseSecretPath(request.path);
  signal?.throwIfAborted();

  const files = [LOCK_FILE, LOCK_SIGNATURE_FILE, MANIFEST_FILE, secretFile(path), metadataFile(path)];
  let fingerprint = readingFingerprint(root, files);
  let seen = await look(request, path);
  if (!seen.exists) {
    throw new VaultError("SECRET_NOT_FOUND", `There is no secret ${formatSecretPath(path)} in this vault.`, {
      remedy: "listSecrets() shows them all.",
    });
  }
  /** What was reported last, until it passes. */
  let reported = "";
  /** Whether the last look failed. */
  let isFailing = false;
  let ended = false;
  let timer: NodeJS.Timeout;
  const end = () => {
    ended = true;
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
    watches.delete(watch);
  };
  signal?.throwIfAborted();
  signal?.addEventListener("abort", end);
  const watch = new Watch(end);
  watches.add(watch);
  wait();
  return watch;

  function wait(): void {
    timer = setTimeout(() => void tick().then(() => ended || wait()), interval);
    if (!persistent) timer.unref();
  }

  async function tick(): Promise<void> {
    try {
      if (request.pull) await fetchStates(context, root, { keys: findVaultKeys(context, root, request.key) });
      const now = readingFingerprint(root, files);
      if (now === fingerprint && !isFailing) return;
      const next = await look(request, path, { isFetched: true });
      fingerprint = now;
      isFailing = false;
      reported = "";
      const kind = changeBetween(seen, next);
      seen = next;
      // What the caller's function throws is the caller's, as with any callback.
      if (kind) process.nextTick(() => ended || callback({ path: formatSecretPath(path), kind }));
    } catch (error) {
      // While git checks out another commit, the files do not fit together; at the next look they do.
      if (isFailing) report(error);
      isFailing = true;
    }
  }

  function report(error: unknown): void {
    const known = typedError(error);
    if (!(known instanceof VaultError)) throw known;
    if (ended || reported === known.message) return;
    reported = known.message;
    if (onError) process.nextTick(() => ended || onError(known));
    else context.warn(`${formatSecretPath(path)} cannot be watched for now. ${known.message}`);
  }
}

/** How things stand with a secret, for the key in use. */
interface Standing {
  readonly exists: boolean;
  readonly access: boolean;
  /** Changes with the value, and with nothing else. */
  readonly version: string;
}

async function look({ context, root, key, pull: mayPull }: WatchRequest, path: SecretPath, { isFetched = false } = {}): Promise<Standing> {
  const { parseMetadata } = await import("@agent-vault/vault");
  const keys = await loadVaultKeys(context, root, key);
  if (mayPull && !isFetched) await fetchStates(context, root, { keys });
  const opened = await openVault(context, root, "state", { keys, localOnly: !mayPull, read: (state) => void readNeeded(state, path) });
  const { files: state, trusted } = opened;
  const { file, metadata, agents } = readNeeded(state, path);
  const { role, name } = (await opened.principal())!;
  trusted?.remember();
  if (!file) return { exists: false, access: false, version: "" };
  const { version, rotated, created } = metadata ? parseMetadata(metadata, path) : {};
  return {
    exists: true,
    access: role === "owner" || (name !== undefined && agents.includes(name)),
    version: metadata ? [version, rotated ?? created].join() : digestOf(file),
  };
}

function readNeeded(state: VaultState, path: SecretPath) {
  const [file, metadata] = [secretFile(path), metadataFile(path)].map((name) => state.read(name));
  return { file, metadata, agents: file ? state.agentsOf(path) : [] };
}

function changeBetween(before: Standing, after: Standing): SecretChange["kind"] | undefined {
  if (before.access && !after.exists) return "deleted";
  if (before.access !== after.access) return after.access ? "granted" : "revoked";
  return after.access && before.version !== after.version ? "value" : undefined;
}

function checkOptions(options: unknown, callback: unknown): WatchOptions {
  const wrong = (what: string) =>
    new VaultError("USAGE", `${what}.`, { remedy: 'For example watch("group/name", (change) => { ... }, { interval: 1000 }).' });
  if (typeof callback !== "function") throw wrong("The callback of a watch must be a function");
  if (typeof options !== "object" || options === null) throw wrong("The options of a watch must be an object");
  requireKnown("option", options, ["signal", "interval", "persistent", "onError"] satisfies (keyof WatchOptions)[]);
  const { signal, interval, persistent, onError } = options as WatchOptions;
  if (signal !== undefined && !isAbortSignal(signal)) throw wrong("signal must be an AbortSignal");
  if (persistent !== undefined && typeof persistent !== "boolean") throw wrong("persistent must be true or false");
  if (onError !== undefined && typeof onError !== "function") throw wrong("onError must be a function");
  if (interval !== undefined && !(typeof interval === "number" && interval >= 1 && interval <= MAX_INTERVAL_MS))
    throw wrong("interval must be a number of milliseconds, 1 or more");
  return options;
}

/** Also one of another realm. */
function isAbortSignal(signal: unknown): boolean {
  if (typeof signal !== "object" || signal === null) return false;
  const { aborted, addEventListener } = signal as Partial<AbortSignal>;
  return typeof aborted === "boolean" && typeof addEventListener === "function";
}
