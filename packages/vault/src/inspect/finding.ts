import type { ErrorCode } from "../errors.js";

/** What `check` and `verify` can find: the code with which a command stops at the same problem, and a sentence that describes it. */
export const FINDINGS = {
  unsigned: { code: "UNSIGNED", says: "Nobody has signed the state of the vault." },
  "bad-signature": { code: "BAD_SIGNATURE", says: "The signature does not match the vault's lock." },
  "unfinished-merge": {
    code: "BAD_SIGNATURE",
    says: "States of the vault were merged without agent-vault, and nobody has signed the result.",
  },
  "too-new": { code: "TOO_NEW", says: "The state of the vault was written by a newer agent-vault." },
  "signer-unknown": { code: "UNTRUSTED_SIGNER", says: "Nothing outside the repository says who may sign the vault." },
  "untrusted-signer": { code: "UNTRUSTED_SIGNER", says: "The vault is signed by a key that is not trusted." },
  "wrong-vault": { code: "WRONG_VAULT", says: "The vault is another one than it should be." },
  tampered: { code: "TAMPERED", says: "A file is not what the vault's owner signed." },
  rollback: { code: "ROLLBACK", says: "The vault is in an older state than was seen or asked for." },
  forked: { code: "FORKED", says: "There are two versions of the vault's state where there should be one." },
  "unknown-order": { code: "ROLLBACK", says: "Whether the vault's state follows the one that was seen before cannot be told." },
  diverged: { code: "CHECK_FAILED", says: "The vault was changed here and on its remote." },
  "unpushed-elsewhere": { code: "CHECK_FAILED", says: "Another clone on this machine has a state that it did not push." },
  "expired-state": { code: "EXPIRED_STATE", says: "The vault's state is older than it may be." },
  "recipients-differ": { code: "UNEXPECTED_RECIPIENT", says: "A secret is encrypted to other recipients than the manifest names." },
  "escrow-recipients-differ": { code: "UNEXPECTED_RECIPIENT", says: "An escrow is encrypted to others than the owners." },
  "key-material": { code: "KEY_MATERIAL", says: "A file of the vault holds a private key in plain text." },
  link: { code: "LINK_IN_VAULT", says: "There is a link in the vault." },
  damaged: { code: "DAMAGED", says: "A file of the vault cannot be read." },
  against: { code: "CHECK_FAILED", says: "The state that the vault is compared with has problems of its own." },
  expired: { code: "CHECK_FAILED", says: "A secret has expired." },
  expiring: { code: "CHECK_FAILED", says: "A secret expires soon." },
  "rotation-overdue": { code: "CHECK_FAILED", says: "A secret is due for rotation." },
  "agent-without-access": { code: "CHECK_FAILED", says: "An agent can read nothing." },
  "secret-without-group": { code: "CHECK_FAILED", says: "A secret is listed by no group." },
  "secret-without-file": { code: "CHECK_FAILED", says: "A group lists a secret that has no file." },
  "secret-without-metadata": { code: "CHECK_FAILED", says: "A secret has no metadata." },
  "metadata-without-secret": { code: "CHECK_FAILED", says: "There is metadata of a secret that has no value." },
  "metadata-differs": { code: "CHECK_FAILED", says: "A secret's metadata and the manifest disagree on its agents." },
  "unknown-group": { code: "CHECK_FAILED", says: "An agent is in a group that does not exist." },
  "unknown-agent": { code: "CHECK_FAILED", says: "Something names an agent that the vault does not have." },
  "agent-without-key": { code: "CHECK_FAILED", says: "An agent has no public key." },
  "escrow-missing": { code: "CHECK_FAILED", says: "An agent has no escrow." },
  name: { code: "CHECK_FAILED", says: "A name is not valid." },
  stray: { code: "CHECK_FAILED", says: "A file does not belong in a vault." },
  "key-permissions": { code: "CHECK_FAILED", says: "A key file is open to others than its owner." },
} as const satisfies Readonly<Record<string, { code: ErrorCode; says: string }>>;

/** The closed set of what an inspection of a vault can find. */
export type FindingKind = keyof typeof FINDINGS;

/** How bad a finding is. */
export type Severity = "error" | "warning";

/** A problem of a vault. An error means that the vault is broken or that a secret can be read by a key that should not read it; a warning needs attention. */
export interface Finding {
  readonly severity: Severity;
  readonly kind: FindingKind;
  /** The secret, agent or file that it is about. */
  readonly subject: string;
  /** What is wrong, a sentence. */
  readonly message: string;
  /** How to fix it, one or more sentences. */
  readonly remedy: string;
  /** Where to look, relative to the vault's folder; absent for what lies outside of it. */
  readonly file?: string;
  /** The line there, from 1, where there is one. */
  readonly line?: number;
}

/** Takes a finding, by its parts. */
export type AddFinding = (severity: Severity, kind: FindingKind, subject: string, message: string, remedy: string, file?: string) => void;

/** The kinds of what a command stops at, by its code. */
const KIND_OF_CODE: Partial<Readonly<Record<ErrorCode, FindingKind>>> = {
  UNSIGNED: "unsigned",
  BAD_SIGNATURE: "bad-signature",
  TOO_NEW: "too-new",
  UNTRUSTED_SIGNER: "untrusted-signer",
  WRONG_VAULT: "wrong-vault",
  TAMPERED: "tampered",
  ROLLBACK: "rollback",
  FORKED: "forked",
  EXPIRED_STATE: "expired-state",
  KEY_MATERIAL: "key-material",
  LINK_IN_VAULT: "link",
};

/** The kind of what a command would stop at with this code; `damaged` for what has no kind of its own. */
export function kindOf(code: ErrorCode): FindingKind {
  return KIND_OF_CODE[code] ?? "damaged";
}
