import type { Difference } from "../difference/difference.js";
import { andMore } from "../text/counts.js";
import { printable } from "../text/printable.js";
import { countKinds } from "../difference/describe.js";
import type { FileDifference } from "../difference/line-difference.js";
import type { Comparison } from "./comparison.js";
import type { Verification } from "./verify.js";

/** Names that are shown in one place, and rows of one table: a comment has a limit. */
const MAX_NAMES = 20;
const MAX_ROWS = 50;
/** Lines of all files together. */
const MAX_LINES = 300;

/**
 * A verification as Markdown for a pull request's comment, in lines. What comes from the vault is in code spans and code
 * blocks, so nothing of it is taken for markup, a link or the mention of a user.
 */
export function verificationMarkdown({ ok, state, findings, comparison }: Verification): string[] {
  const title = comparison ? "What this changes in the vault" : "The vault";
  const count = (severity: string) => findings.filter((finding) => finding.severity === severity).length;
  const signed = state
    ? `State ${state.sequence}, signed by ${code(state.signer ?? "an unknown key")} (${code(state.fingerprint)}) on ${code(state.signedAt.toISOString())}.`
    : "Nobody has signed this state.";
  return [
    `### ${title}: ${ok ? "verified" : "**problems found**"}`,
    "",
    `${signed} Errors: ${count("error")}, warnings: ${count("warning")}.`,
    ...(comparison ? compared(comparison) : []),
    ...table(
      "Findings",
      ["", "What", "What to do", "Kind"],
      findings.map(({ severity, message, remedy, kind }) => [severity, code(message), code(remedy), code(kind)]),
    ),
    ...blocks(comparison?.difference.lines ?? []),
  ];
}

function compared({ revision, commit, base, before, difference }: Comparison): string[] {
  const than = {
    absent: "held no vault, so all of it is new",
    unsigned: "was not signed",
    signed: "was signed",
  }[before];
  return [
    "",
    `Compared with ${code(revision)} (${code(commit.slice(0, 12))})${base === commit ? "" : `, at the commit that both began from (${code(base.slice(0, 12))})`}, which ${than}.`,
    ...(difference.unreadable.length > 0 ? ["", "**Not everything can be compared.**"] : []),
    ...described(difference),
  ];
}

function described({ access, recipients, secrets, files, changes }: Difference): string[] {
  if (changes.length === 0) return ["", "Nothing differs."];
  const changed = Object.entries({ ...secrets, "other files": files }).filter(([, names]) => names.length > 0);
  const those = (title: string, widens: boolean) => {
    const found = changes.filter((change) => change.widens === widens);
    const rows = found.map(({ kind, text }) => [code(text), code(kind)]);
    return [
      ...table(title, ["What", "Kind"], rows),
      ...(rows.length > MAX_ROWS ? [`Of each kind: ${countKinds(found.slice(MAX_ROWS))}.`] : []),
    ];
  };
  return [
    ...those("More access, or less protection", true),
    ...(access.length === 0
      ? ["", "No agent gains or loses a secret."]
      : table(
          "Access",
          ["Agent", "Gains", "Loses"],
          access.map(({ agent, gains, loses }) => [code(agent), names(gains), names(loses)]),
        )),
    ...table(
      "Recipients",
      ["Who", "Key before", "Key after"],
      recipients.map(({ kind, name, before, after }) => [`${kind} ${code(name)}`, before ? code(before) : "", after ? code(after) : ""]),
    ),
    ...table(
      "Files",
      ["", "Which"],
      changed.map(([how, which]) => [`${how === "other files" ? "" : "secrets "}${how}`, names(which)]),
    ),
    ...those("Other changes", false),
  ];
}

/** Files line by line, each in a code block whose fence is longer than any that could end it. */
function blocks(files: readonly FileDifference[]): string[] {
  let room = MAX_LINES;
  return files.flatMap(({ file, lines, omitted }) => {
    const kept = lines.slice(0, room);
    room -= kept.length;
    const runs = kept.flatMap((line) => line.match(/`+/g) ?? []).map(({ length }) => length);
    const fence = "`".repeat(Math.max(2, ...runs) + 1);
    const more = omitted + lines.length - kept.length;
    const block = kept.length > 0 ? ["", `${fence}diff`, ...kept, fence] : [];
    return ["", `#### ${code(file)}`, ...block, ...(more > 0 ? ["", `And ${more} more lines.`] : [])];
  });
}

function table(title: string, headings: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    "",
    `#### ${title}`,
    "",
    line(headings),
    line(headings.map(() => "---")),
    ...rows.slice(0, MAX_ROWS).map(line),
    ...(rows.length > MAX_ROWS ? ["", `And ${rows.length - MAX_ROWS} more.`] : []),
  ];
}

function names(all: readonly string[]): string {
  return andMore(all.map(code), MAX_NAMES);
}

/** A code span. What would end it, or a table's cell, shows as an escape of JSON, as do characters that act on a terminal. */
function code(text: string): string {
  return `\`${printable(text).replaceAll("`", "\\u0060").replaceAll("|", "\\u007c").replaceAll("\t", " ")}\``;
}
