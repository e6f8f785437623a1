// Writes what is made from the one table of errors (packages/vault/src/errors.ts): Python's table and the page of codes in the docs.
// With --check it writes nothing and fails where a file differs. Needs a build.
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import { ERROR_CODES, exitCodeOf } from "../packages/vault/dist/errors.js";

const root = resolve(import.meta.dirname, "..");
const source = readFileSync(join(root, "packages/vault/src/errors.ts"), "utf8");
const errors = Object.entries(ERROR_CODES).map(([code, { kind, sdkClass = "VaultError" }]) => {
  const says = new RegExp(`/\\*\\* (.+) \\*/\\n  ${code}:`).exec(source)?.[1];
  if (!says) throw new Error(`${code} has no comment in errors.ts.`);
  return { code, kind, sdkClass, exit: exitCodeOf(code), says };
});

const python = `"""Every error code with its exit code, kind and class. Made by \`npm run errors\` from packages/vault/src/errors.ts: do not edit."""

from __future__ import annotations

from typing import NamedTuple


class ErrorEntry(NamedTuple):
    """What is known of an error code."""

    exit: int
    kind: str
    class_name: str


ERROR_CODES: dict[str, ErrorEntry] = {
${errors.map(({ code, exit, kind, sdkClass }) => `    "${code}": ErrorEntry(${exit}, "${kind}", "${sdkClass}"),`).join("\n")}
}
`;

const cells = errors.map(({ code, exit, says, sdkClass }) => [
  `\`${code}\``,
  String(exit),
  says,
  sdkClass === "VaultError" ? "" : `\`${sdkClass}\``,
]);
const page = `# Error codes

Every error says what happened and what to do next, and carries a code. The command line shows the code in brackets, or in the field \`code\`
with \`--json\`, and ends with the exit code below; \`run\` ends with that of the command that it started. In the SDKs an error is a
\`VaultError\` with the same \`code\`, and of the class that is named here.

<!-- Made by \`npm run errors\` from packages/vault/src/errors.ts: do not edit the table. -->

${markdownTable(["code", "exit", "what happened", "class in the SDKs"], cells)}
`;

let differs = false;
for (const [name, text] of [
  ["sdk-python/src/agent_vault/error_codes.py", python],
  ["docs/errors.md", page],
]) {
  const file = join(root, name);
  if (!process.argv.includes("--check")) writeFileSync(file, text);
  else if (readFileSync(file, "utf8") !== text) {
    process.stderr.write(`${name} is not what errors.ts says: run npm run errors and commit it.\n`);
    differs = true;
  }
}
if (differs) process.exit(1);

/** Columns are as wide as their widest cell, as the formatter of this repository has it. */
function markdownTable(headings, rows) {
  const widths = headings.map((heading, column) => Math.max(...[heading, ...rows.map((row) => row[column])].map(({ length }) => length)));
  const line = (cells) => `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(" | ")} |`;
  return [line(headings), `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...rows.map(line)].join("\n");
}
