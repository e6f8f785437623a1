import { VaultError } from "../errors.js";
import type { Digest } from "./digest.js";
import { parseSshPublicKey, type SshPublicKey } from "./ssh-signature.js";

/** An owner who may sign the state that follows. */
export interface LockOwner {
  readonly name: string;
  readonly key: SshPublicKey;
}

/** Where one machine's audit log stood. */
export interface AuditAnchor {
  readonly rows: number;
  readonly head: Digest;
}

/** `vault.lock`: what a vault is at one time, in the words of its owner. */
export interface Lock {
  /** The vault's id, which `config.yaml` holds too. */
  readonly vault: string;
  /** One more with each change, from 1. */
  readonly sequence: number;
  readonly signedAt: Date;
  /** After this time the state is stale; absent where it does not go stale. */
  readonly validUntil: Date | undefined;
  /** The digests of the locks that it follows: none in the first one, one after a change, two to eight after a merge. */
  readonly previous: readonly Digest[];
  readonly owners: readonly LockOwner[];
  /** Files at the top of the vault's folder. */
  readonly files: ReadonlyMap<string, Digest>;
  /** Folders (`agents`, `owners`, `secrets/GROUP`) by the digest of all that is below them. */
  readonly trees: ReadonlyMap<string, Digest>;
  /** Machines by the anchor of their audit log. */
  readonly audit: ReadonlyMap<string, AuditAnchor>;
}

/** Larger than the lock of a vault with 50,000 groups. */
export const MAX_LOCK_BYTES = 8 * 1024 * 1024;
/** The most states that one state joins. */
const MAX_PARENTS = 8;

const DIGEST = "sha256:[0-9a-f]{64}";
const TIME = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`;
const NAME = "[A-Za-z0-9._/-]{1,200}";
const HEAD = new RegExp(
  String.raw`^version: [12]\nvault: ([0-9A-Za-z-]{8,64})\nsequence: ([1-9]\d{0,15})\nsigned_at: (${TIME})\n(?:valid_until: (${TIME})\n)?(previous: ${DIGEST}\n|previous:\n(?: {2}- ${DIGEST}\n){2,${MAX_PARENTS}})?owners:\n`,
);
const NEWER_VERSION = /^version: (?:[3-9]|[1-9]\d{1,8})\n/;
const OWNER = /^ {2}- \{name: "?([A-Za-z0-9._-]{1,64})"?, key: (ssh-ed25519 [A-Za-z0-9+/=]{68})\}$/;
const ENTRY = new RegExp(`^  "?(${NAME})"?: (${DIGEST})$`);
const ANCHOR = new RegExp(String.raw`^  "?(${NAME})"?: \{rows: (0|[1-9]\d{0,15}), head: (${DIGEST})\}$`);

/**
 * Reads a lock in the one spelling in which locks are written; any other, also where a YAML parser would see the same in it, is
 * refused. So no parser's habits (aliases, keys that stand twice, huge numbers) are a way to have it mean two things.
 * @throws VaultError `BAD_SIGNATURE`: it is no lock, by any signer; `TOO_NEW`: it is of a version that is not known here
 */
export function parseLock(bytes: Uint8Array): Lock {
  if (bytes.length > MAX_LOCK_BYTES) throw notALock("it is larger than any lock");
  const text = Buffer.from(bytes).toString("latin1");
  if (NEWER_VERSION.test(text)) throw tooNew();
  const head = HEAD.exec(text);
  if (!head) throw notALock("its first lines are not those of a lock of version 1 or 2");
  const lines = text.slice(head[0].length).split("\n");
  let at = 0;
  const section = <T>(pattern: RegExp, read: (match: RegExpExecArray) => T): T[] => {
    const items: T[] = [];
    for (let match = pattern.exec(lines[at] ?? ""); match; match = pattern.exec(lines[at] ?? "")) {
      items.push(read(match));
      at++;
    }
    return items;
  };
  const skip = (title: string): boolean => lines[at] === title && at++ >= 0;

  const owners = section(OWNER, ([, name, key]) => ({ name: name!, key: parseSshPublicKey(key!)! }));
  const entry = ([, name, digest]: RegExpExecArray) => [name!, digest as Digest] as const;
  const files = skip("files:") ? section(ENTRY, entry) : [];
  const trees = skip("trees:") ? section(ENTRY, entry) : [];
  const anchors = skip("audit:")
    ? section(ANCHOR, ([, name, rows, head]) => [name!, { rows: Number(rows), head: head as Digest }] as const)
    : [];
  const lock: Lock = {
    vault: head[1]!,
    sequence: Number(head[2]),
    signedAt: new Date(head[3]!),
    validUntil: head[4] === undefined ? undefined : new Date(head[4]),
    previous: (head[5]?.match(new RegExp(DIGEST, "g")) ?? []) as string[] as Digest[],
    owners,
    files: new Map(files),
    trees: new Map(trees),
    audit: new Map(anchors),
  };
  if (!Number.isSafeInteger(lock.sequence)) throw notALock("its sequence is no count of changes");
  if (owners.length === 0 || owners.some(({ key }) => key === undefined)) throw notALock("it names no owner, or one without a key");
  // One spelling: what does not come out again as it went in has a line too many, twice, in another order or unknown.
  if (isNaN(lock.signedAt.getTime()) || (lock.validUntil && isNaN(lock.validUntil.getTime())) || textOf(lock) !== text)
    throw notALock("it is not written as locks are");
  return lock;
}

/** The bytes that are signed. */
export function formatLock(lock: Lock): Uint8Array {
  return Buffer.from(textOf(lock), "latin1");
}

function textOf({ vault, sequence, signedAt, validUntil, previous, owners, files, trees, audit }: Lock): string {
  const section = <T>(title: string, entries: ReadonlyMap<string, T>, format: (value: T) => string): string[] =>
    entries.size === 0
      ? []
      : [
          `${title}:`,
          ...[...entries].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => `  ${plain(name)}: ${format(value)}`),
        ];
  const lines = [
    `version: ${previous.length > 1 ? 2 : 1}`,
    `vault: ${vault}`,
    `sequence: ${sequence}`,
    `signed_at: ${time(signedAt)}`,
    ...(validUntil ? [`valid_until: ${time(validUntil)}`] : []),
    ...parentLines(previous),
    "owners:",
    ...owners.map(({ name, key }) => `  - {name: ${plain(name)}, key: ${key}}`),
    ...section("files", files, String),
    ...section("trees", trees, String),
    ...section("audit", audit, ({ rows, head }) => `{rows: ${rows}, head: ${head}}`),
  ];
  return `${lines.join("\n")}\n`;
}

/** One state before is named as in version 1; several are a sorted list, which only version 2 knows. */
function parentLines(previous: readonly Digest[]): string[] {
  if (previous.length <= 1) return previous.map((digest) => `previous: ${digest}`);
  return ["previous:", ...[...new Set(previous)].toSorted().map((digest) => `  - ${digest}`)];
}

/** A word, in quotes where YAML could take it for something else. */
function plain(name: string): string {
  const isWord = /^(?:[A-Za-z][A-Za-z0-9._/-]*|\.git[a-z]+)$/.test(name) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(name);
  return isWord ? name : `"${name}"`;
}

/** Whole seconds. */
function time(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

function tooNew(): VaultError {
  return new VaultError("TOO_NEW", "The state of this vault was written by a newer agent-vault, which this one cannot read.", {
    remedy: "Update agent-vault (agent-vault --version shows the version you have), then run the command again.",
  });
}

function notALock(reason: string): VaultError {
  return new VaultError("BAD_SIGNATURE", `vault.lock is not the state of a vault: ${reason}.`, {
    remedy:
      "Do not use this copy: ask an owner, and see with git log who changed it. A newer agent-vault may have written it: agent-vault --version.",
  });
}
