/** `started` waits for its completion; the others say how it ended. */
export type Outcome = "started" | "done" | "denied" | "failed";

/** What was done, or was refused. No field ever holds a secret's value. */
export interface AuditEvent {
  /** A command or operation: `get`, `run`, `grant`. */
  readonly action: string;
  readonly outcome: Outcome;
  /** The owner's or agent's name. */
  readonly who?: string | undefined;
  /** The fingerprint of the identity, or the id of the token. */
  readonly identity?: string | undefined;
  /** The coding agent that seems to have started it. */
  readonly harness?: string | undefined;
  /** `group/name`, as secrets are shown. */
  readonly secrets?: readonly string[] | undefined;
  /** The program and its arguments, any secret value in them redacted. */
  readonly command?: readonly string[] | undefined;
  /** What the asker decided beside the secrets and the command, a text each, any secret value in them redacted. */
  readonly request?: readonly string[] | undefined;
  readonly folder?: string | undefined;
  readonly repository?: string | undefined;
  readonly branch?: string | undefined;
  readonly exitCode?: number | undefined;
  readonly reason?: string | undefined;
}

/** The fields of an event in the order in which they are written. */
export const EVENT_FIELDS = [
  "action",
  "outcome",
  "who",
  "identity",
  "harness",
  "secrets",
  "command",
  "folder",
  "repository",
  "branch",
  "exitCode",
  "reason",
  "request",
] as const satisfies readonly (keyof AuditEvent)[];

/** Limits of one field, so that nobody fills the disk: characters of a text, texts of a list. */
const MAX_TEXT_LENGTH = 4096;
const MAX_LIST_LENGTH = 200;

/** An event as it is kept: whole characters, and within the limits. */
export function tidyEvent(event: AuditEvent): AuditEvent {
  const text = (value: string | undefined) => {
    const whole = value === undefined ? undefined : wellFormed(value);
    return whole !== undefined && whole.length > MAX_TEXT_LENGTH
      ? `${wellFormed(whole.slice(0, MAX_TEXT_LENGTH))} [${whole.length - MAX_TEXT_LENGTH} more characters]`
      : whole;
  };
  const list = (values: readonly string[] | undefined) => {
    const all = values?.map((value) => text(value)!);
    return all && all.length > MAX_LIST_LENGTH ? [...all.slice(0, MAX_LIST_LENGTH), `[${all.length - MAX_LIST_LENGTH} more]`] : all;
  };
  return {
    action: text(event.action)!,
    outcome: event.outcome,
    who: text(event.who),
    identity: text(event.identity),
    harness: text(event.harness),
    // All of them: which secrets were used is what the log is for.
    secrets: event.secrets?.map((secret) => text(secret)!),
    command: list(event.command),
    request: list(event.request),
    folder: text(event.folder),
    repository: text(event.repository),
    branch: text(event.branch),
    exitCode: event.exitCode,
    reason: text(event.reason),
  };
}

/** Half a surrogate pair would not come back as it went in. */
function wellFormed(text: string): string {
  return Buffer.from(text).toString();
}
