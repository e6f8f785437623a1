// Every form that a value may be written in, with every shape that a value may have: where it starts, how the output is cut, how deep it is
// indented, what colours it has and how wide the terminal is make no difference.
import { KnownSecrets, type Scrubber } from "@agent-vault/runner";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rounds } from "../../support/slow.js";

const CASES = rounds(10_000, 1_000_000, "AGENT_VAULT_SCRUB_CASES");
const TOKEN = "tk_9xQ7_4eC39HqLyjWDarjtT1zdp7dc";
const PASSWORD = `pä"ss/Wo+rd'9&x=%q`;
const LINES = ["MC4CAQAwBQYDK2VwBCIEIPz8dLkYVQ7xGJ2E", "q0rVnH3cWm5uT9sKfBzXq1Kd"];
const PEM = `-----BEGIN TEST KEY-----\n${LINES.join("\n")}\n-----END TEST KEY-----\n`;

/** A secret, and the part of it that a program shows. */
interface Shape {
  readonly name: string;
  readonly secret: string;
  readonly shown: string;
}

const SHAPES: readonly Shape[] = [
  { name: "itself", secret: TOKEN, shown: TOKEN },
  { name: "awkward", secret: PASSWORD, shown: PASSWORD },
  { name: "trimmed", secret: `  ${TOKEN}\t\n`, shown: TOKEN },
  { name: "a line", secret: PEM, shown: LINES[1]! },
  { name: "an indented line", secret: `key: |\n    ${LINES[0]}\n    ${LINES[1]}\n`, shown: LINES[0]! },
  { name: "escapes undone", secret: PEM.replaceAll("\n", "\\n"), shown: LINES[0]! },
  { name: "escapes undone, as JSON has them", secret: `ab\\u00e4\\"${TOKEN}`, shown: `abä"${TOKEN}` },
  { name: "a string of JSON", secret: JSON.stringify({ user: "me", login: { password: PASSWORD, tries: [1, TOKEN] } }), shown: PASSWORD },
  { name: "a line of a string of JSON", secret: JSON.stringify({ private_key: PEM }, null, 2), shown: LINES[1]! },
  { name: "a URL's password", secret: `postgres://app:${encodeURIComponent(PASSWORD)}@db.example:5432/shop`, shown: PASSWORD },
  { name: "a URL's password as it is written", secret: `redis://:${encodeURIComponent(PASSWORD)}@h`, shown: encodeURIComponent(PASSWORD) },
  { name: "a URL's token", secret: `https://h.example/hook?sig=${encodeURIComponent(PASSWORD)}&v=1`, shown: PASSWORD },
  { name: "a URL's user that is a token", secret: `https://${TOKEN}@git.example/x.git`, shown: TOKEN },
  { name: "the value of a line", secret: `# prod\nexport DB_PASSWORD="${TOKEN}"\nPORT=3000\n`, shown: TOKEN },
  { name: "the value of a line of YAML", secret: `a: 1\npassword: ${TOKEN} # old\n`, shown: TOKEN },
  { name: "a part of a connection string", secret: `Server=db;User Id=app;Password=${TOKEN};Encrypt=true`, shown: TOKEN },
  { name: "what follows Bearer", secret: `Bearer ${TOKEN}`, shown: TOKEN },
  { name: "the password of Basic", secret: `Basic ${Buffer.from(`me:${TOKEN}`).toString("base64")}`, shown: TOKEN },
];

/** What a place in an output may be like. */
interface Place {
  /** So many bytes are written before the value together with it, and so many behind it. */
  readonly offset: number;
  readonly after: number;
  readonly indent: string;
  readonly lineEnd: string;
}

const bytes = (text: string): number[] => [...Buffer.from(text)];
const hex = (byte: number): string => byte.toString(16).padStart(2, "0");
const wrapped = (text: string, width: number, lineEnd: string): string => text.match(new RegExp(`.{1,${width}}`, "gs"))!.join(lineEnd);
const padded = (text: string, { offset, after }: Place): string => "~".repeat(offset) + text + "~".repeat(after);
const printable = (part: readonly number[]): string =>
  part.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".")).join("");
/** Lines of a dump of 16 bytes each. */
const dump = (text: string, place: Place, line: (part: number[], address: number) => string): string => {
  const all = bytes(padded(text, place));
  return Array.from({ length: Math.ceil(all.length / 16) }, (_, index) => line(all.slice(index * 16, index * 16 + 16), index * 16)).join(
    "\n",
  );
};
const groups = (part: number[], size: number): string =>
  (
    part
      .map(hex)
      .join("")
      .match(new RegExp(`.{1,${2 * size}}`, "g")) ?? []
  ).join(" ");

type Form = readonly [name: string, write: (text: string, place: Place) => string];
const base64 = (text: string, place: Place): string => Buffer.from(padded(text, place)).toString("base64");

const FORMS: readonly Form[] = [
  ["as it is", (text) => text],
  ["JSON", (text) => JSON.stringify(text).slice(1, -1)],
  [
    "JSON in ASCII",
    (text) =>
      JSON.stringify(text)
        .slice(1, -1)
        .replace(/[^\0-\x7f]/g, (one) => `\\u${hex(one.charCodeAt(0)).padStart(4, "0")}`),
  ],
  ["JSON in JSON", (text) => JSON.stringify(JSON.stringify(text).slice(1, -1)).slice(1, -1)],
  [
    "\\x",
    (text) =>
      bytes(text)
        .map((byte) => `\\x${hex(byte)}`)
        .join(""),
  ],
  ["URL", (text) => encodeURIComponent(text)],
  ["URL twice", (text) => encodeURIComponent(encodeURIComponent(text))],
  ["form", (text) => new URLSearchParams([["", text]]).toString().slice(1)],
  ["HTML", (text) => Array.from(text, (one) => `&#x${one.codePointAt(0)!.toString(16).toUpperCase()};`).join("")],
  ["HTML by name", (text) => text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("'", "&#0039;")],
  ["shell", (text) => text.replaceAll("'", "'\\''")],
  [
    "quoted-printable",
    (text) =>
      bytes(text)
        .map((byte, at) => `${at % 20 === 19 ? "=\r\n" : ""}=${hex(byte).toUpperCase()}`)
        .join(""),
  ],
  ["base64", base64],
  ["base64url", (text, place) => base64(text, place).replaceAll("+", "-").replaceAll("/", "_")],
  ["base64 in lines", (text, place) => wrapped(base64(text, place), 19, place.lineEnd + place.indent)],
  ["base64 in lines in JSON", (text, place) => wrapped(base64(text, place), 20, "\\r\\n")],
  ["hex", (text, place) => bytes(padded(text, place)).map(hex).join("")],
  ["hex in lines", (text, place) => wrapped(bytes(padded(text, place)).map(hex).join(""), 30, place.lineEnd + place.indent)],
  [
    "hex as a list",
    (text, place) =>
      bytes(padded(text, place))
        .map((byte) => `0x${hex(byte)}`)
        .join(`,${place.lineEnd}${place.indent}`),
  ],
  ["hex as a list of texts", (text, place) => JSON.stringify(bytes(padded(text, place)).map(hex), null, place.indent.slice(0, 10))],
  ["numbers", (text, place) => bytes(padded(text, place)).join(`,${place.lineEnd}${place.indent}`)],
  ["numbers in JSON", (text, place) => JSON.stringify(bytes(padded(text, place)), null, place.indent.slice(0, 10) || 1)],
  ["signed numbers", (text, place) => [...new Int8Array(Buffer.from(padded(text, place)))].join(", ")],
  [
    "xxd",
    (text, place) => dump(text, place, (part, at) => `${hex(at).padStart(8, "0")}: ${groups(part, 2).padEnd(39)}  ${printable(part)}`),
  ],
  [
    "hexdump -C",
    (text, place) =>
      dump(
        text,
        place,
        (part, at) =>
          `${hex(at).padStart(8, "0")}  ${`${groups(part.slice(0, 8), 1)}  ${groups(part.slice(8), 1)}`.padEnd(48)}  |${printable(part)}|`,
      ),
  ],
  [
    "curl --trace",
    (text, place) => dump(text, place, (part, at) => `${hex(at).padStart(4, "0")}: ${groups(part, 1).padEnd(47)} ${printable(part)}`),
  ],
  [
    "tcpdump -X",
    (text, place) => dump(text, place, (part, at) => `\t0x${hex(at).padStart(4, "0")}:  ${groups(part, 2).padEnd(39)}  ${printable(part)}`),
  ],
  [
    "openssl",
    (text, place) =>
      dump(
        text,
        place,
        (part, at) =>
          `${hex(at).padStart(4, "0")} - ${`${groups(part.slice(0, 8), 1)}-${groups(part.slice(8), 1)}`.padEnd(47)}   ${printable(part)}`,
      ),
  ],
  [
    "gdb x/8xb",
    (text, place) =>
      bytes(padded(text, place))
        .map((byte, at) =>
          at % 8 === 0 ? `${at === 0 ? "" : "\n"}0x7fffffffe0${hex(at)} <buffer+${at}>:\t0x${hex(byte)}` : `\t0x${hex(byte)}`,
        )
        .join(""),
  ],
  [
    "gdb x/4xw",
    (text, place) => {
      const all = bytes(padded(text, place));
      const words = Array.from({ length: Math.ceil(all.length / 4) }, (_, index) => all.slice(4 * index, 4 * index + 4));
      const shown = words.map((word) => `0x${word.map(hex).toReversed().join("").padStart(8, "0")}`);
      return shown.map((word, at) => (at % 4 === 0 ? `${at === 0 ? "" : "\n"}0x7fffffffe0${hex(4 * at)}:\t${word}` : `\t${word}`)).join("");
    },
  ],
  [
    "xxd -e",
    (text, place) =>
      dump(text, place, (part, at) => {
        const words = Array.from({ length: Math.ceil(part.length / 4) }, (_, index) => part.slice(4 * index, 4 * index + 4));
        const shown = words.map((word) => word.map(hex).toReversed().join("").padStart(8)).join(" ");
        return `${hex(at).padStart(8, "0")}: ${shown.padEnd(35)}  ${printable(part)}`;
      }),
  ],
  [
    "od -tx8",
    (text, place) =>
      dump(text, place, (part, at) => {
        const words = [part.slice(0, 8), part.slice(8)].filter(({ length }) => length > 0);
        return `${at.toString(8).padStart(7, "0")} ${words.map((word) => word.map(hex).toReversed().join("").padStart(16, "0")).join(" ")}`;
      }),
  ],
  [
    "od",
    (text, place) =>
      dump(text, place, (part, at) => {
        const words = Array.from(
          { length: Math.ceil(part.length / 2) },
          (_, index) => part[2 * index]! | ((part[2 * index + 1] ?? 0) << 8),
        );
        return `${at.toString(8).padStart(7, "0")} ${words.map((word) => word.toString(8).padStart(6, "0")).join(" ")}`;
      }),
  ],
  [
    "od -b",
    (text, place) =>
      dump(
        text,
        place,
        (part, at) => `${at.toString(8).padStart(7, "0")} ${part.map((byte) => byte.toString(8).padStart(3, "0")).join(" ")}`,
      ),
  ],
  [
    "octal in Python",
    (text, place) =>
      `['${bytes(padded(text, place))
        .map((byte) => `0o${byte.toString(8)}`)
        .join("', '")}']`,
  ],
  [
    "binary",
    (text, place) =>
      bytes(padded(text, place))
        .map((byte) => byte.toString(2).padStart(8, "0"))
        .join(" "),
  ],
  ["UTF-16", (text) => Buffer.from(text, "utf16le").toString("latin1")],
  ["UTF-16, the higher byte first", (text) => Buffer.from(text, "utf16le").swap16().toString("latin1")],
  ["in lines", (text, place) => wrapped(text, 5, place.lineEnd + place.indent)],
  [
    "gdb's characters",
    (text, place) =>
      bytes(padded(text, place))
        .map((byte) =>
          byte >= 0x20 && byte < 0x7f && byte !== 0x27 && byte !== 0x5c
            ? `${byte} '${String.fromCharCode(byte)}'`
            : `${byte} '\\${byte === 0x27 ? "'" : byte === 0x5c ? "\\" : byte.toString(8)}'`,
        )
        .join(", "),
  ],
];
/** In these a break within the text is not the terminal's. */
const ONE_LINE = new Set(FORMS.slice(0, 14).map(([name]) => name));

const DUMPS = new Set(["xxd -e", "od -tx8", "xxd", "hexdump -C", "curl --trace", "tcpdump -X", "openssl", "gdb x/8xb", "gdb x/4xw"]);

const place = fc.record({
  offset: fc.nat({ max: 7 }),
  after: fc.nat({ max: 8 }),
  indent: fc.oneof(fc.nat({ max: 8 }), fc.constantFrom(17, 40, 100)).map((depth) => " ".repeat(depth)),
  lineEnd: fc.constantFrom("\n", "\r\n"),
});
const cuts = fc.array(fc.nat(), { maxLength: 12 });
const COLOURS = ["\u001B[31m", "\u001B[1;38;5;208m", "\u001B[0m", "\u001B[K", "\u001B(B\u001B[m"];
const colours = fc.array(fc.tuple(fc.nat(), fc.constantFrom(...COLOURS)), { maxLength: 4 });
const width = fc.option(fc.integer({ min: 20, max: 90 }), { nil: undefined });

describe("a secret is replaced", () => {
  test("in every form and shape, wherever it starts, is cut, is coloured and is wrapped", { timeout: 60_000 + 10 * CASES }, () => {
    const known = SHAPES.map(({ secret }) => new KnownSecrets([{ name: "group/name", value: secret }]));
    const outputs = new Map(known.map((one) => [one, new LongOutput(one)]));
    const found = new Set<string>();
    fc.assert(
      fc.property(
        fc.nat({ max: SHAPES.length - 1 }),
        fc.nat({ max: FORMS.length - 1 }),
        place,
        cuts,
        colours,
        width,
        fc.boolean(),
        (which, how, place, cuts, colours, width, isLong) => {
          const [form, write] = FORMS[how]!;
          const { shown } = SHAPES[which]!;
          const written = write(shown, place);
          const isOneLine = ONE_LINE.has(form);
          const output = Buffer.from(
            `<${place.indent}${coloured(isOneLine && width !== undefined && !written.includes("\n") ? wrappedAt(written, width, place.indent.length + 1) : written, isOneLine ? colours : [])}>`,
            form.startsWith("UTF-16") ? "latin1" : "utf8",
          );
          const text = (
            isLong ? outputs.get(known[which]!)!.scrubbed(output, cuts, width) : scrubbed(known[which]!, output, cuts, width)
          ).toString("latin1");
          expect(text).toContain("[REDACTED:group/name]");
          const alone = write(shown, { ...place, offset: form.startsWith("base64") ? place.offset : 0, after: 0 });
          const left = DUMPS.has(form) ? commonRun(bare(text), bytes(shown).map(hex).join("")) : commonRun(bare(text), bare(alone));
          expect(left, `${form}\n${text}`).toBeLessThanOrEqual(LONGEST_REST);
          expect(commonRun(text.replace(COLOUR, ""), shown), `${form}\n${text}`).toBeLessThanOrEqual(LONGEST_REST_OF_VALUE);
          found.add(form);
        },
      ),
      { numRuns: CASES, endOnFailure: CASES > 10_000 },
    );
    expect(found.size).toBe(FORMS.length);
  });

  test("where a letter is struck twice, in a title, and in what a terminal hides of it", () => {
    const known = new KnownSecrets([{ name: "group/name", value: TOKEN }]);
    const bold = Array.from(TOKEN, (letter) => `${letter}\b${letter}`).join("");
    for (const output of [bold, `\u001B]0;${TOKEN}\u0007`, `\u001B]8;;https://${TOKEN}\u001B\\link`, `\u001B[${TOKEN}`]) {
      for (const cuts of [[], Array.from(output, (_, at) => at)]) {
        const text = scrubbed(known, Buffer.from(output), cuts).toString();
        expect(text).toContain("[REDACTED:group/name]");
        expect(text).not.toContain(TOKEN.slice(1, 6));
      }
    }
  });

  test("and colours around and in it stay", () => {
    const known = new KnownSecrets([{ name: "group/name", value: TOKEN }]);
    const output = `\u001B[31ma ${TOKEN.slice(0, 5)}\u001B[1m${TOKEN.slice(5)}\u001B[0m b\u001B[K`;
    for (let first = 0; first <= output.length; first++) {
      expect(scrubbed(known, Buffer.from(output), [first]).toString()).toBe(
        "\u001B[31ma [REDACTED:group/name]\u001B[1m\u001B[0m b\u001B[K",
      );
    }
  });
});

/** So many characters of what is written may be left: what it shares with its neighbours, and what dumps lose at the end of a line. */
const LONGEST_REST = 10;
const LONGEST_REST_OF_VALUE = 4;
// oxlint-disable-next-line no-control-regex
const COLOUR = /\u001B(?:\[[0-9;]*[A-Za-z]|\(B)/g;

/** Without what programs put between bytes. */
const bare = (output: string): string =>
  output
    .replaceAll("[REDACTED:group/name]", "\0")
    .replace(COLOUR, "")
    .replace(/[\s,:'"-]|0x/g, "");

function commonRun(text: string, value: string): number {
  let longest = 0;
  for (let at = 0; at < value.length; at++)
    while (at + longest < value.length && text.includes(value.slice(at, at + longest + 1))) longest++;
  return longest;
}

function coloured(text: string, colours: readonly (readonly [number, string])[]): string {
  let all = text;
  for (const [at, colour] of colours) {
    const place = at % (text.length + 1);
    // oxlint-disable-next-line no-control-regex
    if (!/\u001B[^A-Za-z]*$/.test(all.slice(0, place))) all = all.slice(0, place) + colour + all.slice(place);
  }
  return all;
}

/** As a program does that breaks lines where the terminal's width ends. */
function wrappedAt(text: string, width: number, column: number): string {
  let line = column % width;
  return Array.from(text, (character) => {
    if (line < width) {
      line++;
      return character;
    }
    line = 1;
    return `\r\n${character}`;
  }).join("");
}

/** Outputs that go on for long: the first bytes of one are searched one by one, the rest by the filter. */
class LongOutput {
  static readonly #FILLER = Buffer.from(`${"~".repeat(99)}\n`.repeat(400));
  static readonly #END = Buffer.from(`\n${"~".repeat(600)}\n`);
  readonly #known: KnownSecrets;
  #width = 80;
  readonly #scrubbers: Partial<Record<"narrow" | "wide", Scrubber>> = {};

  constructor(known: KnownSecrets) {
    this.#known = known;
  }

  scrubbed(output: Buffer, cuts: readonly number[], width?: number): Buffer {
    const kind = width === undefined ? "wide" : "narrow";
    this.#width = width ?? 80;
    let scrubber = this.#scrubbers[kind];
    if (scrubber === undefined) {
      this.#scrubbers[kind] = scrubber = this.#known.scrubber(width === undefined ? undefined : () => this.#width);
      scrubber.write(LongOutput.#FILLER);
    }
    const parts = piecesOf(output, cuts).map((piece) => Buffer.from(scrubber.write(piece)));
    return Buffer.concat([...parts, Buffer.from(scrubber.write(LongOutput.#END))]);
  }
}

function piecesOf(output: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...cuts.map((cut) => cut % (output.length + 1)), output.length].toSorted((one, other) => one - other);
  return places.slice(1).map((end, index) => output.subarray(places[index], end));
}

function scrubbed(known: KnownSecrets, output: Buffer, cuts: readonly number[], width?: number): Buffer {
  const scrubber = known.scrubber(width === undefined ? undefined : () => width);
  const parts = piecesOf(output, cuts).map((piece) => Buffer.from(scrubber.write(piece)));
  return Buffer.concat([...parts, scrubber.flush()]);
}
