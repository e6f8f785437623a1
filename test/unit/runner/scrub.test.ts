import { KnownSecrets, type Scrubber } from "@agent-vault/runner";
import fc from "fast-check";
import { once } from "node:events";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { BASE64_WRITERS, WRITERS } from "./scrub-writers.js";
import { rounds } from "../../support/slow.js";

const RUNS = rounds(1, 20);
const MARKER = "[REDACTED:group/name]";

const awkward = fc.constantFrom(...Array.from("abAB01+/ =%&<>\"'\\\n\t$é€😀-_.:"));
const textValue = fc
  .array(
    fc.oneof({ weight: 3, arbitrary: awkward }, { weight: 1, arbitrary: fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }) }),
    { minLength: 8, maxLength: 60 },
  )
  .map((parts) => Buffer.from(parts.join("")));
const byteValue = fc.uint8Array({ minLength: 8, maxLength: 100 }).map((bytes) => Buffer.from(bytes));
const tokenValue = fc.uint8Array({ minLength: 12, maxLength: 30 }).map((bytes) => Buffer.from(Buffer.from(bytes).toString("base64url")));
/** White space around it is another test's: a value is found without it as well. */
const value = fc.oneof(textValue, tokenValue, byteValue).filter(endsWell);
/** Such that nothing in it reads as part of what is beside it. */
const filler = fc.string({ unit: fc.constantFrom(...Array.from("GHIJKLXYZ!?;~\u0000\u007f")), maxLength: 30 });
const cuts = fc.array(fc.nat(), { maxLength: 40 });

describe("a value is replaced by its marker", () => {
  for (const writer of WRITERS) {
    test(`written ${writer.name}`, () => {
      fc.assert(
        fc.property(
          writer.text === true ? fc.oneof(textValue, tokenValue).filter(endsWell) : value,
          filler,
          filler,
          cuts,
          (secret, before, after, cuts) => {
            const known = new KnownSecrets([{ name: "group/name", value: secret }]);
            const output = Buffer.concat([
              Buffer.from(`${before}<`),
              Buffer.from(writer.write(secret) as Buffer),
              Buffer.from(`>${after}`),
            ]);
            expect(scrubbed(known, output, cuts).toString("latin1")).toBe(`${before}<${MARKER}>${after}`);
          },
        ),
        { numRuns: 60 * RUNS },
      );
    });
  }

  for (const writer of BASE64_WRITERS) {
    test(`written ${writer.name}, anywhere in what is encoded`, () => {
      fc.assert(
        fc.property(value, fc.uint8Array({ maxLength: 9 }), fc.uint8Array({ maxLength: 9 }), cuts, (secret, before, after, cuts) => {
          const known = new KnownSecrets([{ name: "group/name", value: secret }]);
          const plain = (text: string): string =>
            decodeURIComponent(text)
              .replaceAll("\\n", "")
              .replace(/[\r\n]/g, "");
          const output = writer.write(Buffer.concat([before, secret, after])) as string;
          const [head, tail, ...others] = plain(scrubbed(known, Buffer.from(`<${output}>`), cuts).toString())
            .slice(1, -1)
            .split(MARKER);
          expect(others).toEqual([]);
          // What is left decodes to what stood beside the value, and to less than a byte of it.
          const [left, right] = [Buffer.from(head as string, "base64"), Buffer.from((tail as string).replaceAll("=", ""), "base64")];
          expect(left).toEqual(Buffer.from(before.subarray(0, left.length)));
          expect((head as string).length).toBe(Math.ceil((before.length * 8) / 6));
          expect((tail as string).replaceAll("=", "").length).toBeLessThanOrEqual(Math.ceil((after.length * 8) / 6));
          expect(right.length).toBeLessThanOrEqual(after.length);
        }),
        { numRuns: 60 * RUNS },
      );
    });
  }

  test("with other secrets beside it, before, behind and between", () => {
    const piece = fc.record({ of: fc.nat(), how: fc.nat(), before: filler });
    fc.assert(
      fc.property(
        fc.uniqueArray(tokenValue, { minLength: 2, maxLength: 8, selector: String }),
        fc.array(piece, { maxLength: 20 }),
        cuts,
        (values, pieces, cuts) => {
          const known = new KnownSecrets(values.map((value, index) => ({ name: `group/${index}`, value })));
          let [output, expected] = [Buffer.alloc(0), ""];
          for (const { of, how, before } of pieces) {
            const index = of % values.length;
            const written = WRITERS[how % WRITERS.length]?.write(values[index] as Buffer) as string;
            output = Buffer.concat([output, Buffer.from(`${before}<`), Buffer.from(written), Buffer.from(">")]);
            expected += `${before}<[REDACTED:group/${index}]>`;
          }
          expect(scrubbed(known, output, cuts).toString("latin1")).toBe(expected);
        },
      ),
      { numRuns: 200 * RUNS },
    );
  });

  test("where values overlap, hold each other and repeat themselves, nothing of them is left", () => {
    const few = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 8, maxLength: 14 });
    fc.assert(
      fc.property(
        fc.array(few, { minLength: 1, maxLength: 5 }),
        fc.array(fc.oneof(few, fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 12 })), { maxLength: 12 }),
        cuts,
        (values, parts, cuts) => {
          const known = new KnownSecrets(values.map((value) => ({ name: "group/name", value })));
          const output = parts.join("");
          const covered = new Set(
            values.flatMap((value) => occurrences(output, value).flatMap((at) => Array.from(value, (_, index) => at + index))),
          );
          const left = Array.from(output, (char, at) => (covered.has(at) ? "#" : char)).join("");
          const result = scrubbed(known, Buffer.from(output), cuts).toString();
          expect(result.replaceAll(/(\[REDACTED:group\/name\])+/g, "#")).toBe(left.replaceAll(/#+/g, "#"));
        },
      ),
      { numRuns: 300 * RUNS },
    );
  });

  test("each is named where two overlap, and the rest of the second is gone", () => {
    const known = new KnownSecrets([
      { name: "a", value: "abcdefgh12" },
      { name: "b", value: "gh12345678" },
    ]);
    expect(scrubbed(known, Buffer.from("<abcdefgh12345678>"), []).toString()).toBe("<[REDACTED:a][REDACTED:b]>");
  });

  test("the longest of two that start together counts", () => {
    const known = new KnownSecrets([
      { name: "short", value: "password" },
      { name: "long", value: "password-2026" },
    ]);
    expect(scrubbed(known, Buffer.from("password password-2026 password-2025"), []).toString()).toBe(
      "[REDACTED:short] [REDACTED:long] [REDACTED:short]-2025",
    );
  });
});

describe("of a value of several lines", () => {
  const key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\nshort\r\nkqhkiG9w0BAQEF\r\n-----END KEY-----\n";
  const known = new KnownSecrets([{ name: "group/name", value: key }]);

  test("the whole is one marker, with and without the last line break", () => {
    expect(scrubbed(known, Buffer.from(`<${key}>`), []).toString()).toBe(`<${MARKER}>`);
    expect(scrubbed(known, Buffer.from(`<${key.trimEnd()}>`), []).toString()).toBe(`<${MARKER}>`);
  });

  test("each line of eight bytes or more is found alone, in every encoding", () => {
    for (const line of key.split(/\r?\n/).filter((line) => line.length >= 8)) {
      expect(scrubbed(known, Buffer.from(`> ${line} <`), []).toString()).toBe(`> ${MARKER} <`);
      expect(scrubbed(known, Buffer.from(`> ${Buffer.from(line).toString("hex")} <`), []).toString()).toBe(`> ${MARKER} <`);
    }
    expect(scrubbed(known, Buffer.from("short"), []).toString()).toBe("short");
  });
});

describe("output without secrets", () => {
  const secret = fc.uint8Array({ minLength: 12, maxLength: 40 }).map((bytes) => Buffer.from(bytes));
  const output = fc.oneof(
    fc.uint8Array({ maxLength: 4000 }).map((bytes) => Buffer.from(bytes)),
    fc.json().map((text) => Buffer.from(text)),
    fc.string({ unit: awkward, maxLength: 2000 }).map((text) => Buffer.from(text)),
  );

  test("comes through byte for byte", () => {
    fc.assert(
      fc.property(fc.array(secret, { minLength: 1, maxLength: 20 }), output, cuts, (values, output, cuts) => {
        const known = new KnownSecrets(values.map((value) => ({ name: "group/name", value })));
        expect(scrubbed(known, output, cuts).equals(output)).toBe(true);
      }),
      { numRuns: 150 * RUNS },
    );
  });

  test("comes through byte for byte where it starts as a secret does, and then differs", () => {
    fc.assert(
      fc.property(value, fc.nat(), fc.nat({ max: 7 }), fc.nat({ max: WRITERS.length - 1 }), cuts, (secret, at, bit, how, cuts) => {
        const damaged = Buffer.from(secret);
        damaged[at % secret.length]! ^= 1 << bit;
        const writer = WRITERS[how] as (typeof WRITERS)[number];
        const output = Buffer.from(writer.write(damaged) as Buffer);
        // A line of the value may be whole all the same, and a dump is searched for what is left of it, too.
        fc.pre(writer.text !== true && !secret.includes("\n") && at % secret.length >= 4 && !writer.name.includes("hex"));
        fc.pre(!output.toString("latin1").includes(secret.toString("latin1")));
        expect(scrubbed(new KnownSecrets([{ name: "group/name", value: secret }]), output, cuts).equals(output)).toBe(true);
      }),
      { numRuns: 200 * RUNS },
    );
  });

  test("how it is cut into pieces makes no difference", () => {
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 4 }),
        fc.array(fc.tuple(fc.nat(), fc.nat(), filler), { maxLength: 6 }),
        cuts,
        (values, pieces, cuts) => {
          const known = new KnownSecrets(values.map((value, index) => ({ name: `group/${index}`, value })));
          const writers = [...WRITERS, ...BASE64_WRITERS].filter((writer) => writer.text !== true);
          const output = Buffer.concat(
            pieces.flatMap(([of, how, text]) => [
              Buffer.from(text),
              Buffer.from(writers[how % writers.length]?.write(values[of % values.length] as Buffer) as Buffer),
            ]),
          );
          const whole = scrubbed(known, output, []);
          expect(scrubbed(known, output, cuts).toString("latin1")).toBe(whole.toString("latin1"));
          expect(
            scrubbed(
              known,
              output,
              Array.from(output, (_, at) => at),
            ).toString("latin1"),
          ).toBe(whole.toString("latin1"));
        },
      ),
      { numRuns: 150 * RUNS },
    );
  });
});

describe("what is held back", () => {
  const known = new KnownSecrets([{ name: "group/name", value: "correct-horse/battery" }]);
  const write = (scrubber: Scrubber, text: string): string => Buffer.from(scrubber.write(Buffer.from(text))).toString();
  const flush = (scrubber: Scrubber): string => Buffer.from(scrubber.flush()).toString();

  test("is nothing where no secret can have begun", () => {
    const scrubber = known.scrubber();
    for (const text of ["Password: ", "Continue? [y/N] ", "> ", "50 %\r", "$ ", "C:\\>", "done.", "\n", "a & b", "\u0000\u00ff", "1234"]) {
      expect(write(scrubber, text)).toBe(text);
    }
    expect(flush(scrubber)).toBe("");
  });

  test("is the start of a value until it is decided", () => {
    const scrubber = known.scrubber();
    expect(write(scrubber, "see corr")).toBe("see ");
    expect(write(scrubber, "ect-")).toBe("");
    expect(write(scrubber, "ly")).toBe("correct-ly");
    expect(write(scrubber, " correct-horse/batter")).toBe(" ");
    expect(write(scrubber, "y")).toBe(MARKER);
    expect(flush(scrubber)).toBe("");
  });

  test("is the start of an encoding until it is decided", () => {
    const scrubber = known.scrubber();
    expect(write(scrubber, "a=correct%2dhorse%2")).toBe("a=");
    expect(write(scrubber, "Fbattery")).toBe(MARKER);
    expect(write(scrubber, "%4")).toBe("%4");
    expect(write(scrubber, "%6")).toBe("");
    expect(write(scrubber, "4")).toBe("%64");
  });

  test("comes out at the end, even if a secret's last byte is missing", () => {
    const scrubber = known.scrubber();
    expect(write(scrubber, "correct-horse/batter")).toBe("");
    expect(flush(scrubber)).toBe("correct-horse/batter");
  });

  test("is what may be a longer secret, of which the shorter one is replaced if it is not", () => {
    const two = new KnownSecrets([
      { name: "short", value: "password" },
      { name: "long", value: "password-2026" },
    ]);
    const scrubber = two.scrubber();
    expect(write(scrubber, "password-20")).toBe("");
    expect(flush(scrubber)).toBe("[REDACTED:short]-20");
  });

  test("is little, whatever follows", () => {
    const hex = Buffer.from("correct-horse/battery").toString("hex");
    const starts = [
      "correct-horse/battery",
      hex,
      `${hex}  `,
      `${hex.slice(0, 20)}\n`,
      `${hex.slice(0, 20)}  `,
      "99,",
      "&",
      "Y29y\n",
      "\\",
      "\\\\u{",
    ];
    for (const start of starts) {
      for (const unit of [" ", "0", "a", ",", "\n", "\\", "&", "%25", " 0x", "\\n"]) {
        const scrubber = known.scrubber();
        const output = start + unit.repeat(500);
        expect(write(scrubber, output).replace(MARKER, start).length).toBeGreaterThan(output.length - 400);
      }
    }
  });

  test("does not hang on memory that the caller uses again", () => {
    const scrubber = known.scrubber();
    const chunk = Buffer.from("correct-horse/batter");
    scrubber.write(chunk);
    chunk.fill(0);
    expect(write(scrubber, "y")).toBe(MARKER);
  });
});

describe("in a dump", () => {
  const known = new KnownSecrets([{ name: "group/name", value: "correct-horse/battery" }]);
  const dump = [
    "00000000: 6b65 793d 636f 7272 6563 742d 686f 7273  key=correct-hors",
    "00000010: 652f 6261 7474 6572 790a                 e/battery.",
    "",
  ].join("\n");

  test("the column of text goes with the bytes before it, wherever it is cut", () => {
    for (let first = 0; first <= dump.length; first++) {
      for (const cuts of [[first], [first, first + 1], Array.from(dump, (_, at) => at)]) {
        expect(scrubbed(known, Buffer.from(dump), cuts).toString()).toBe(`00000000: 6b65 793d ${MARKER}\n`);
      }
    }
  });

  test("nothing goes with hexadecimal bytes in a sentence", () => {
    const hex = Buffer.from("correct-horse/battery").toString("hex");
    for (const text of [`<> is it.`, `<>  is what it is, it says in the log`, `<>,<>`, `<>\n<>`, `0x<> (`, `<>`]) {
      expect(scrubbed(known, Buffer.from(text.replaceAll("<>", hex)), []).toString()).toBe(text.replaceAll("<>", MARKER));
    }
  });
});

describe("a value under eight bytes", () => {
  test("is refused, by name", () => {
    expect(() => new KnownSecrets([{ name: "group/pin", value: "1234567" }])).toThrow(
      expect.objectContaining({ code: "SECRET_TOO_SHORT", message: expect.stringMatching(/group\/pin/) }),
    );
    expect(() => new KnownSecrets([{ name: "group/pin", value: "1234567\n" }])).toThrow(
      expect.objectContaining({ code: "SECRET_TOO_SHORT" }),
    );
    expect(() => new KnownSecrets([{ name: "group/pin", value: "1234567" }])).not.toThrow(/1234567/);
  });

  test("is found as it is, and in no encoding, if that is allowed", () => {
    const known = new KnownSecrets(
      [
        { name: "pin", value: "4711" },
        { name: "group/name", value: "long-enough-value" },
      ],
      { allowShort: true },
    );
    expect(known.tooShort).toEqual(["pin"]);
    const output = `pin 4711, 47114711 ${Buffer.from("4711").toString("hex")} ${Buffer.from("long-enough-value").toString("hex")}`;
    for (const cuts of [[], Array.from(output, (_, at) => at)]) {
      expect(scrubbed(known, Buffer.from(output), cuts).toString()).toBe(
        `pin [REDACTED:pin], [REDACTED:pin][REDACTED:pin] 34373131 ${MARKER}`,
      );
    }
  });

  test("never matches if it is empty", () => {
    const known = new KnownSecrets(
      [
        { name: "empty", value: "" },
        { name: "break", value: "\n" },
      ],
      { allowShort: true },
    );
    expect(scrubbed(known, Buffer.from("a\nb"), [1]).toString()).toBe("a\nb");
    expect(new KnownSecrets([{ name: "empty", value: "" }]).tooShort).toEqual([]);
  });
});

test("as a stream it scrubs what is piped through it", async () => {
  const known = new KnownSecrets([{ name: "group/name", value: "correct-horse/battery" }]);
  const output = ["a correct-", "horse/bat", "tery and corr"].map((text) => Buffer.from(text));
  expect((await buffer(Readable.from(output, { objectMode: false }).pipe(known.stream()))).toString()).toBe(`a ${MARKER} and corr`);
});

describe("in a silence", () => {
  const known = new KnownSecrets([{ name: "group/name", value: "correct-horse/battery" }]);
  const next = async (stream: Readable): Promise<string> => ((await once(stream, "data")) as [Buffer])[0].toString();

  test("a whole line is handed on that ends as a secret begins, and the rest of the secret is still replaced", async () => {
    const hex = Buffer.from("correct-horse/battery").toString("hex");
    const stream = known.stream();
    stream.write(`ready: ${hex.slice(0, 4)}\n`);
    expect(await next(stream)).toBe("ready: ");
    expect(await next(stream)).toBe("636f\n");
    stream.write(`${hex.slice(4)}. Done.`);
    expect(await next(stream)).toBe(`${MARKER}. Done.`);
  });

  test("nothing else is, nor a line where nobody waits for one", async () => {
    const scrubber = known.scrubber();
    expect(Buffer.from(scrubber.write(Buffer.from("see corr"))).toString()).toBe("see ");
    expect(scrubber.holdsLine).toBe(false);
    expect(scrubber.release(true).length).toBe(0);
    expect(Buffer.from(scrubber.write(Buffer.from("ect-horse/battery"))).toString()).toBe(MARKER);
    const collected = known.stream({ onSilence: "nothing" });
    collected.end("ready: 636f\n");
    expect((await buffer(collected)).toString()).toBe("ready: 636f\n");
  });

  test("what a terminal shows of a secret's start stays with its colours", () => {
    const scrubber = known.scrubber(() => 80);
    const write = (text: string): string => Buffer.from(scrubber.write(Buffer.from(text))).toString();
    expect(write("\u001B[1mco\u001B[0m")).toBe("\u001B[1m");
    expect(Buffer.from(scrubber.release(false)).toString()).toBe("co\u001B[0m");
    expect(write("rrect-horse/battery!")).toBe(`${MARKER}!`);
  });
});

test("no value shows where the objects are printed", () => {
  const known = new KnownSecrets([{ name: "group/name", value: "correct-horse/battery" }]);
  const scrubber = known.scrubber();
  scrubber.write(Buffer.from("correct-horse"));
  const shown = [known, scrubber, known.stream()]
    .map((object) => `${inspect(object, { depth: 20, showHidden: true })}${JSON.stringify(object)}`)
    .join("");
  expect(shown).not.toMatch(/correct|63 6f 72|99,\s*111/);
});

function scrubbed(known: KnownSecrets, output: Buffer, cuts: readonly number[]): Buffer {
  const scrubber = known.scrubber();
  const places = [0, ...cuts.map((cut) => cut % (output.length + 1)), output.length].toSorted((a, b) => a - b);
  const parts = places.slice(1).map((end, index) => Buffer.from(scrubber.write(output.subarray(places[index], end))));
  return Buffer.concat([...parts, scrubber.flush()]);
}

function occurrences(text: string, value: string): number[] {
  return Array.from(text, (_, at) => at).filter((at) => text.startsWith(value, at));
}

function endsWell(value: Buffer): boolean {
  return value.length >= 8 && value.toString().trim() === value.toString() && value.at(-1) !== 0x0a && value.at(-1) !== 0x0d;
}
