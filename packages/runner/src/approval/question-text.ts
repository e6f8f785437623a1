import type { UseRequest } from "../policy/use-request.js";
import { displaySafeName, displaySafeWord } from "./display-safe.js";
import { describePrincipal, differences, factsOf } from "./facts.js";

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
 * @param before what was allowed before: in what the request differs from it is said first
 */
export function questionText(request: UseRequest, room: QuestionRoom = { width: 80, lines: 24 }, before?: UseRequest): QuestionText {
  const count = request.secrets.length === 1 ? "a secret" : `${request.secrets.length} secrets`;
  const changes = before && differences(before, request);
  const fields = [
    ...(changes ? [{ label: "Changed", texts: changes.length > 0 ? changes : ["nothing"], maxLines: room.lines }] : []),
    ...factsOf(request).map((fact) => ({ ...fact, maxLines: fact.room === "list" ? room.lines : MAX_FIELD_LINES })),
  ];
  return textOf(`${describePrincipal(request.principal)} ${WANTS[request.action]} ${count}.`, fields, room);
}

/** What a command would do with an owner's authority, as a person is asked about it. */
export interface OwnersCommand {
  /** What it does, as a clause that follows "which". */
  readonly does: string;
  /** Its words, with nothing in them that may be a secret. */
  readonly words: readonly string[];
  /** The coding agent that seems to have started it. */
  readonly harness: string;
  readonly folder: string;
}

/** The question about a command that uses an owner's authority; as {@link questionText}. */
export function commandText({ does, words, harness, folder }: OwnersCommand, room: QuestionRoom): QuestionText {
  const fields = [
    { label: "Started by", texts: [`seems to be ${displaySafeName(harness)}`], maxLines: MAX_FIELD_LINES },
    { label: "Folder", texts: [displaySafeName(folder)], maxLines: MAX_FIELD_LINES },
    { label: "Command", texts: [words.map(displaySafeWord).join(" ")], maxLines: room.lines },
  ];
  return textOf(`A coding agent wants to run a command with your key, which ${does}.`, fields, room);
}

function textOf(
  title: string,
  fields: readonly { readonly label: string; readonly texts: readonly string[]; readonly maxLines: number }[],
  room: QuestionRoom,
): QuestionText {
  const formatted = fields.map(({ label, texts, maxLines }) => formatField(label, texts, maxLines, room.width));
  return {
    text: [title, "", ...formatted.flatMap(({ lines }) => lines)].join("\n"),
    complete: formatted.every(({ complete }) => complete),
  };
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
