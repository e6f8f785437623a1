import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VaultError } from "#vault/index.js";
import { readYamlFile, writeYaml } from "#vault/format/yaml-document.js";
import { cannot, lacks } from "../support/programs.js";
import { rounds, timeLimitMs } from "../support/slow.js";

const SOURCES = new URL("../../sdk-python/src", import.meta.url).pathname;
const READER = new URL("../support/read-yaml.py", import.meta.url).pathname;
const cases = JSON.parse(readFileSync(new URL("../../fixtures/yaml-dialect.json", import.meta.url), "utf8")) as {
  what: string;
  text: string;
  data?: unknown;
}[];

type Read = { readonly data: unknown } | { readonly refused: string };

function byNode(text: string): Read {
  try {
    return { data: canonical(readYamlFile(Buffer.from(text), "policy.yaml").document.toJS()) };
  } catch (error) {
    if (error instanceof VaultError) return { refused: error.code };
    throw error;
  }
}

function byPython(texts: readonly string[]): Read[] {
  const input = texts.map((text) => `${JSON.stringify(text)}\n`).join("");
  const env = { ...process.env, PYTHONPATH: SOURCES };
  const { status, stdout, stderr } = spawnSync("python3", [READER], { input, env, encoding: "utf8", maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(stderr);
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => {
      // Python writes what JSON has no name for.
      const read = JSON.parse(line.replaceAll(/(?<=[:[,{] ?)(-?Infinity|NaN)\b/g, '"$1"')) as Read;
      return "data" in read ? { data: canonical(read.data) } : read;
    });
}

/** The same data in the same words: numbers that JSON lacks as text, and 1.0 as 1. */
function canonical(data: unknown): unknown {
  return JSON.parse(
    JSON.stringify(data ?? null, (_, value: unknown) => {
      if (typeof value === "number" && !Number.isFinite(value)) return String(value);
      return Object.is(value, -0) ? 0 : value;
    }),
  );
}

const hasPython = !lacks("python3");
const noParser = () => cannot(spawnSync("python3", ["-c", "import yaml"]).status === 0, "Python has no yaml.");

/** Each schema refuses a file that is no mapping. */
function ofFile(read: Read): Read {
  const isMapping = "data" in read && (read.data === null || (typeof read.data === "object" && !Array.isArray(read.data)));
  return isMapping ? read : { refused: "INVALID_YAML" };
}

/** What readers of YAML are known to disagree about, and what holds it together. */
const PIECES = [
  "\n \t:-,[]{}#&*!|>'\"%@`?~<=+._\\/0123456789abeEfonxyNY\r".split(""),
  ["\u0085", "\u2028", "\u2029", "\ufeff", "\u00a0", "\u0000", "\u007f", "\ud7ff", "\ufffe", "é", "😀"],
  ["\n", "\n", "\n  ", "\n  ", "\n    ", "\n- ", "\n  - ", ": ", ": ", " #", "- ", ", ", "\r\n", "? ", " : ", "\n\n"],
  [
    "a",
    "b: c",
    "a: ",
    "key",
    "rules:",
    "secrets: ",
    "'it''s'",
    '"x"',
    '"\\n"',
    '"\\x41"',
    '"\\u2028"',
    '"\\ud83d\\ude00"',
    '"\\/"',
    '"a\\\n b"',
  ],
  ["yes", "No", "on", "off", "true", "True", "NULL", "null", "~", "<<", "<<: *a", "&a ", "*a", "!!str ", "! ", "!x "],
  ["0o17", "017", "0x1F", "0b11", "1_000", "12:30:45", "1e3", ".5", "5.", ".inf", "-.INF", ".nan", "+1", "-0", "9007199254740993", "1.0"],
  [
    "2001-12-14",
    "2001-12-14t21:59:43.10-05:00",
    "=",
    "---",
    "\n---\n",
    "...",
    "%YAML 1.1\n",
    "|\n  ",
    ">\n  ",
    "|-\n ",
    ">+2\n   ",
    "|1\n ",
  ],
  [
    "[a, b]",
    "{a: b}",
    "[",
    "]",
    "{",
    "}",
    "[a: b]",
    "{a}",
    "{a, b: }",
    '{"a":b}',
    "[,]",
    "[a,,b]",
    "{? a: b}",
    "a: b: c",
    "- - x",
    "a:\n- b",
  ],
].flat();
const documents = fc.oneof(
  fc.array(fc.constantFrom(...PIECES), { maxLength: 14 }).map((pieces) => pieces.join("")),
  fc
    .tuple(
      fc.array(fc.constantFrom(...PIECES), { maxLength: 6 }),
      fc.constantFrom(
        "a: X\nb: c\n",
        "a:\n  b: X\n  c: d\n",
        "- X\n- b\n",
        "a: [x, X]\n",
        'a: "X"\n',
        "a: {b: X}\n",
        "a: |\n  X\n  b\n",
        "X: a\n",
      ),
    )
    .map(([pieces, frame]) => frame.replace("X", () => pieces.join(""))),
);

const texts = fc
  .array(fc.oneof(fc.constantFrom(...PIECES), fc.string({ unit: "binary", maxLength: 5 })), { maxLength: 8 })
  .map((parts) => parts.join(""));

/** Metadata with a text in it, as a program writes it. */
function written(text: string): string {
  const { document } = readYamlFile(Buffer.from("name: a/b\ndescription: x\ntags: []\n"), "policy.yaml");
  document.set("description", text);
  document.setIn(["tags", 0], text);
  return Buffer.from(writeYaml(document)).toString();
}

it("Node reads every case of the fixtures as it says", () => {
  for (const { what, text, ...rest } of cases)
    expect([what, byNode(text)]).toEqual([what, "data" in rest ? { data: rest.data } : { refused: "INVALID_YAML" }]);
});

describe.skipIf(!hasPython || noParser())("Node and Python", () => {
  it("read every case of the fixtures as it says", () => {
    const python = byPython(cases.map(({ text }) => text));
    cases.forEach(({ what, text, ...rest }, index) => {
      const expected = "data" in rest ? { data: rest.data } : { refused: "INVALID_YAML" };
      expect([what, byNode(text), python[index]]).toEqual([what, expected, expected]);
    });
  });

  it("read back whatever text is written", { timeout: timeLimitMs(600_000) }, () => {
    const sample = fc.sample(texts, rounds(1000, 50_000, "YAML_ROUNDS"));
    const python = byPython(sample.map(written));
    const differing = sample.flatMap((text, index) => {
      const expected = JSON.stringify({ data: { name: "a/b", description: text, tags: [text] } });
      const read = [byNode(written(text)), python[index]!].map((one) => JSON.stringify(one));
      return read.every((one) => one === expected) ? [] : [JSON.stringify([text, written(text), ...read])];
    });
    expect(differing.slice(0, 40)).toEqual([]);
  });

  it("read any document alike, or both refuse it", { timeout: timeLimitMs(600_000) }, () => {
    const texts = fc.sample(documents, {
      numRuns: rounds(3000, 200_000, "YAML_ROUNDS"),
      ...(process.env["FC_SEED"] && { seed: Number(process.env["FC_SEED"]) }),
    });
    const python = byPython(texts);
    const differing = texts.flatMap((text, index) => {
      const [node, other] = [ofFile(byNode(text)), ofFile(python[index]!)];
      return JSON.stringify(node) === JSON.stringify(other) ? [] : [JSON.stringify([text, node, other])];
    });
    expect(differing.toSorted((a, b) => a.length - b.length).slice(0, 40)).toEqual([]);
  });
});
