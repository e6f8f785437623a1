import type { Digest } from "../lock/digest.js";
import { parseSshPublicKey, type SshPublicKey } from "../lock/ssh-signature.js";
import type { StateRef } from "../lock/state-ref.js";

/** What a key file says of itself in its comments. */
export interface KeyComments {
  /** `# role: owner`: the key was made for an owner. */
  readonly role: string | undefined;
  /** `# agent: NAME`: the agent that the key was made for. */
  readonly agent: string | undefined;
  /** `# vault: ID`: the vault that the key was made for. */
  readonly vault: string | undefined;
  /** `# owner: ssh-ed25519 ...`: who signs that vault. */
  readonly owners: readonly SshPublicKey[];
  /** `# state: SEQUENCE sha256:...`: the vault's state when the file was written. */
  readonly state: StateRef | undefined;
}

/** The comments of a key that is not in a file, or in one that says nothing of itself. */
export const NO_COMMENTS: KeyComments = { role: undefined, agent: undefined, vault: undefined, owners: [], state: undefined };

/** Reads the comments among the lines of a key file; what they do not say, or say wrongly, is left out. */
export function parseKeyComments(lines: readonly string[]): KeyComments {
  const values = (name: string) => lines.flatMap((line) => new RegExp(`^# ${name}: (.+)$`).exec(line.trim())?.[1] ?? []);
  const state = /^(\d{1,15}) (sha256:[0-9a-f]{64})$/.exec(values("state")[0] ?? "");
  return {
    role: values("role")[0],
    agent: values("agent")[0],
    vault: values("vault")[0],
    owners: values("owner").flatMap((text) => parseSshPublicKey(text) ?? []),
    state: state ? { sequence: Number(state[1]), lock: state[2] as Digest } : undefined,
  };
}
