import type { AccessDifference } from "../files/access-difference.js";
import { andMore } from "../text/counts.js";
import { printable } from "../text/printable.js";
import type { Comparison, Verification } from "./verify.js";

/** Names that are shown in one place, and rows of one table: a comment has a limit. */
const MAX_NAMES = 20;
const MAX_ROWS = 50;

/**
 * A verification as Markdown for a pull request's comment, in lines. What comes from the vault is in code spans, so nothing of it
 * is taken for markup, a link or the mention of a user.
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
  ];
}

function compared({ revision, commit, before, difference }: Comparison): string[] {
  const than = {
    absent: "held no vault, so all of it is new",
    unsigned: "was not signed",
    signed: "was signed",
  }[before];
  return [
    "",
    `Compared with ${code(revision)} (${code(commit.slice(0, 12))}), which ${than}.`,
    ...(difference ? described(difference) : ["", "**Who gains and loses access cannot be determined.**"]),
  ];
}

function described({ access, recipients, secrets, files }: AccessDifference): string[] {
  const changed = Object.entries({ ...secrets, "other files": files }).filter(([, names]) => names.length > 0);
  if (access.length + recipients.length + changed.length === 0) return ["", "Nothing differs."];
  return [
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
  ];
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
