import type { RequestedSecret, UseRequest } from "../use/use-request.js";
import { shownName, shownText, shownWord } from "./display-safe.js";

/** How much room there is to ask in. */
export interface QuestionRoom {
  /** Columns. */
  readonly width: number;
  /** Lines for the command, and as many for the secrets. */
  readonly lines: number;
}

export interface QuestionText {
  /** Lines with `\n` between them. */
  readonly text: string;
  /** Whether all of the request is shown. */
  readonly complete: boolean;
}

const LABEL_WIDTH = 12;
/** For what is no list and no command, in lines. */
const FEW = 4;
const WANTS: Record<UseRequest["action"], string> = {
  run: "wants to run a command with",
  get: "wants to see",
  inject: "wants to fill a template with",
  read: "wants a program to read",
};

/**
 * The question that a person is asked, the same on every channel. What comes from whoever asks stands behind a bar, on every line of it, so that none
 * of it can pass for a line of ours; nothing in it acts on a terminal or hides. What does not fit is left out in its middle, and counted. The command
 * comes last, next to the answer, so that nothing scrolls it away.
 */
export function questionText(request: UseRequest, room: QuestionRoom = { width: 80, lines: 24 }): QuestionText {
  const { principal, invocation, secrets, command } = request;
  const who = principal.name === undefined ? `unknown ${principal.role}` : `${principal.role} ${shownName(principal.name)}`;
  const count = secrets.length === 1 ? "a secret" : `${secrets.length} secrets`;
  const fields: (readonly [label: string, lines: readonly string[], most: number] | undefined)[] = [
    ["Who", [`${who}, key ${shownName(shorten(principal.identity))}`], FEW],
    invocation.harness === undefined ? undefined : ["Started by", [`seems to be ${shownName(invocation.harness)}`], FEW],
    request.service === undefined ? undefined : ["Service", [`says that it is ${shownName(request.service)}`], FEW],
    ["Reason", [request.reason === undefined ? "none given" : shownText(request.reason)], FEW],
    ["Folder", [shownName(invocation.folder)], FEW],
    invocation.repository === undefined
      ? undefined
      : ["Repository", [`${shownName(invocation.repository)}, ${branchOf(invocation.branch)}`], FEW],
    ["Secrets", byDanger(secrets).map(shownSecret), room.lines],
    command === undefined ? undefined : ["Command", [command.map(shownWord).join(" ")], room.lines],
  ];
  const shown = fields.filter((field) => field !== undefined).map(([label, lines, most]) => shownField(label, lines, most, room.width));
  return {
    text: [`${who} ${WANTS[request.action]} ${count}.`, "", ...shown.flatMap(({ lines }) => lines)].join("\n"),
    complete: shown.every(({ complete }) => complete),
  };
}

function shorten(identity: string): string {
  return identity.length > 24 ? `${identity.slice(0, 16)}...${identity.slice(-6)}` : identity;
}

function branchOf(branch: string | undefined): string {
  return branch === undefined ? "no branch" : `branch ${shownName(branch)}`;
}

function shownSecret({ secret, environment, access }: RequestedSecret): string {
  return `${shownName(secret)} (${shownName(environment ?? "no environment given")}, ${shownName(access ?? "no access given")})`;
}

/** The worst first, so that it is among those that are shown. */
function byDanger(secrets: readonly RequestedSecret[]): RequestedSecret[] {
  const danger = ({ environment, access }: RequestedSecret) =>
    (environment === "production" ? 4 : 0) + (access === "admin" ? 2 : access === "read-write" ? 1 : 0);
  return secrets.toSorted((one, other) => danger(other) - danger(one));
}

function shownField(label: string, texts: readonly string[], most: number, width: number): { lines: string[]; complete: boolean } {
  const space = Math.max(width - LABEL_WIDTH - 2, 20);
  const lines = texts.flatMap((text) => wrapped(text, space));
  const gutter = (line: string, index: number) => `${(index === 0 ? label : "").padEnd(LABEL_WIDTH)}| ${line}`;
  if (lines.length <= most) return { lines: lines.map(gutter), complete: true };
  const head = Math.ceil((most * 2) / 3);
  const tail = most - head - 1;
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

/** Lines of at most so many columns. A character outside of ASCII may take two. */
function wrapped(text: string, columns: number): string[] {
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
