import { isDigest, type Digest } from "../lock/digest.js";
import { parseSshPublicKey, type SshPublicKey } from "../lock/ssh-signature.js";
import type { MadeState, Memory, RemoteMemory, SeenState } from "./memory.js";

/** What the file of a memory holds: the memory, and the digest of the file of agent-vault 0.2.0 that was taken over last. */
export type StoredMemory = Memory & { readonly former?: Digest | undefined };

type Json = Readonly<Record<string, unknown>>;

/** Reads what was written. Reading a secret comes through here, so it loads no parser of schemas. @returns `undefined` for anything else */
export function parseMemory(text: string, vaultId: string): StoredMemory | undefined {
  try {
    const { version, vault, pinned, removed, accepted, remotes, made, former } = JSON.parse(text) as Json;
    if (version !== 2 || vault !== vaultId) return undefined;
    return {
      pinned: keysIn(pinned),
      removed: keysIn(removed),
      accepted: listOf(accepted, seenState),
      remotes: recordOf(remotes, remoteMemory),
      made: listOf(made, madeState),
      ...(former !== undefined && { former: digestIn(former) }),
    };
  } catch {
    return undefined;
  }
}

/** @throws where it is none */
export function keysIn(value: unknown): SshPublicKey[] {
  return listOf(value, (text) => {
    const key = parseSshPublicKey(text as unknown as string);
    if (!key) throw new TypeError("no key");
    return key;
  });
}

/** @throws where it is none */
export function stateIn({ sequence, lock }: Json): Pick<SeenState, "sequence" | "lock"> {
  if (!Number.isSafeInteger(sequence)) throw new TypeError("no sequence");
  return { sequence: sequence as number, lock: digestIn(lock) };
}

function seenState(value: Json): SeenState {
  return { ...stateIn(value), owners: keysIn(value["owners"]), policy: value["policy"] === true };
}

function madeState(value: Json): MadeState {
  const { clone, ref, folder, commit, follows, isPushed } = value;
  return {
    ...seenState(value),
    clone: textIn(clone),
    ref: textIn(ref),
    folder: textIn(folder),
    commit: textIn(commit),
    ...(follows !== undefined && { follows: followedIn(follows as Json) }),
    ...(isPushed === true && { isPushed }),
  };
}

function followedIn({ remote, ref, tracking }: Json): NonNullable<MadeState["follows"]> {
  return { remote: textIn(remote), ref: textIn(ref), tracking: textIn(tracking) };
}

function remoteMemory({ home, refs }: Json): RemoteMemory {
  return {
    home: home === undefined ? undefined : textIn(home),
    refs: recordOf(refs, (states) => listOf(states, seenState)),
  };
}

function digestIn(value: unknown): Digest {
  if (!isDigest(value)) throw new TypeError("no digest");
  return value;
}

function textIn(value: unknown): string {
  if (typeof value !== "string") throw new TypeError("no text");
  return value;
}

function listOf<T>(value: unknown, read: (entry: Json) => T): T[] {
  if (!Array.isArray(value)) throw new TypeError("no list");
  return value.map((entry) => read(entry as Json));
}

function recordOf<T>(value: unknown, read: (entry: Json) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(value as Json).map(([name, entry]) => [name, read(entry as Json)]));
}
