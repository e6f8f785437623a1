import type { RequestedSecret, UseRequest } from "../policy/use-request.js";
import { displaySafeName, displaySafeText, displaySafeWord } from "./display-safe.js";

/** How much room there is to ask in. */
export interface QuestionRoom {
  /** Columns. */
  readonly width: number;
  /** Lines for the command, and as many for the secrets. */
  readonly lines: number;
}

/** A question as it is shown. */
export interface QuestionText {
  /** Lines with `\n` between them. */
  readonly text: string;
  /** Whether all of the request is shown. */
  readonly complete: boolean;
}

const LABEL_WIDTH = 12;
/** Lines of a field that is not a list and not a command. */
const MAX_FIELD_LINES = 4;
const WANTS: Record<UseRequest["action"], string> = {
  run: "wants to run a command with",
  get: "wants to see",
  inject: "wants to fill a template with",
  read: "wants a program to read",
};

/**
 * The question that a person is asked, the same on every channel. What an agent has written is behind a bar, on every line of it, so that none
 * of it can pass for a line of ours; nothing in it acts on a terminal or hides. What does not fit is left out in its middle, and counted. The command
 * comes last, next to the answer, so that nothing scrolls it away.
 */
export function questionText(request: UseRequest, room: QuestionRoom = { width: 80, lines: 24 }): QuestionText {
  const { principal, invocation, secrets, command } = request;
  const who = describe(principal);
  const count = secrets.length === 1 ? "a secret" : `${secrets.length} secrets`;
  const fields: (readonly [label: string, lines: readonly string[], maxLines: number] | undefined)[] = [
    ["Who", [`${who}, key ${displaySafeName(shorten(principal.identity))}`], MAX_FIELD_LINES],
    invocation.harness === undefined ? undefined : ["Started by", [`seems to be ${displaySafeName(invocation.harness)}`], MAX_FIELD_LINES],
    request.service === undefined ? undefined : ["Service", [`says that it is ${displaySafeName(request.service)}`], MAX_FIELD_LINES],
    ["Reason", [request.reason === undefined ? "none given" : displaySafeText(request.reason)], MAX_FIELD_LINES],
    ["Folder", [displaySafeName(invocation.folder)], MAX_FIELD_LINES],
    invocation.repository === undefined
      ? undefined
      : ["Repository", [`${displaySafeName(invocation.repository)}, ${branchOf(invocation.branch)}`], MAX_FIELD_LINES],
    ["Secrets", byDanger(secrets).map(formatSecret), room.lines],
    command === undefined ? undefined : ["Command", [command.map(displaySafeWord).join(" ")], room.lines],
  ];
  const formatted = fields
    .filter((field) => field !== undefined)
    .map(([label, lines, maxLines]) => formatField(label, lines, maxLines, room.width));
  return {
    text: [`${who} ${WANTS[request.action]} ${count}.`, "", ...formatted.flatMap(({ lines }) => lines)].join("\n"),
    complete: formatted.every(({ complete }) => complete),
  };
}

/** The role and the name; the role alone for an owner who is called "owner". */
function describe({ role, name }: UseRequest["principal"]): string {
  if (name === undefined) return `unknown ${role}`;
  return name === role ? role : `${role} ${displaySafeName(name)}`;
}

function shorten(identity: string): string {
  return identity.length > 24 ? `${identity.slice(0, 16)}...${identity.slice(-6)}` : identity;
}

function branchOf(branch: string | undefined): string {
  return branch === undefined ? "no branch" : `branch ${displaySafeName(branch)}`;
}

function formatSecret({ secret, environment, access }: RequestedSecret): string {
  return `${displaySafeName(secret)} (${displaySafeName(environment ?? "environment not stated")}, ${displaySafeName(access ?? "access not stated")})`;
}

/** The worst first, so that it is among those that are shown. */
function byDanger(secrets: readonly RequestedSecret[]): RequestedSecret[] {
  const danger = ({ environment, access }: RequestedSecret) =>
    (environment === "production" ? 4 : 0) + (access === "admin" ? 2 : access === "read-write" ? 1 : 0);
  return secrets.toSorted((one, other) => danger(other) - danger(one));
}

function formatField(label: string, texts: readonly string[], maxLines: number, width: number): { lines: string[]; complete: boolean } {
  const space = Math.max(width - LABEL_WIDTH - 2, 20);
  const lines = texts.flatMap((text) => wrap(text, space));
  const gutter = (line: string, index: number) => `${(index === 0 ? label : "").padEnd(LABEL_WIDTH)}| ${line}`;
  if (lines.length <= maxLines) return { lines: lines.map(gutter), complete: true };
  const head = Math.ceil((maxLines * 2) / 3);
  const tail = maxLines - head - 1;
  const left = lines.slice(head, lines.length - tail);
  const characters = left.reduce((sum, line) => sum + Array.from(line).length, 0);
  return {
    lines: [
      ...lines.slice(0, head).map(gutter),
      `${" ".repeat(LABEL_WIDTH)}[ ${left.length} lines with ${characters} characters are not shown here ]`,
      ...lines.slice(lines.length - tail).map((line) => gutter(line, 1)),
    ],
    complete: false,
  };
}

/** Breaks a text into lines of at most so many columns, and changes no character of it, as a shell has to take the command for the same. A character outside of ASCII may take two. */
function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  let used = 0;
  for (const character of text) {
    const needed = character > "~" ? 2 : 1;
    if (used + needed > columns) {
      lines.push(line);
      line = "";
      used = 0;
    }
    line += character;
    used += needed;
  }
  return [...lines, line];
}
