import { KnownSecrets } from "@agent-vault/runner";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { PassThrough, type Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lacks } from "../support/programs.js";
import { AWKWARD, KEY, LIMITS, SECRETS, STOPPED, TOKEN, type Attempt } from "./leak-attempts.js";
import { rounds, timeLimitMs } from "../support/slow.js";

const MIB = rounds(64, 1024);
/** In a dump of lines up to three bytes at the start of a value may show at the end of a line. */
const LONGEST_RUN = 3;

const known = new KnownSecrets(SECRETS);
const board: { attempt: string; result: string }[] = [];
let server: Server;
let address = "";

beforeAll(async () => {
  server = createServer((request, response) => {
    text(request).then(
      (body) => response.end(JSON.stringify(body)),
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});

afterAll(() => {
  server.close();
  const stopped = board.filter(({ result }) => result === "stopped").length;
  const lines = board.map(({ attempt, result }) => `  ${result.padEnd(11)}  ${attempt}`);
  process.stdout.write(`Leak attempts: ${stopped} stopped, ${board.length - stopped} known limits or left out\n${lines.join("\n")}\n`);
});

describe("a command that shows a secret is stopped", () => {
  for (const attempt of STOPPED) {
    test.skipIf(missing(attempt))(`by ${attempt.what}`, async () => {
      const { shown, scrubbed } = await run(attempt.script);
      const decode = attempt.decode ?? String;
      const value = attempt.shows ?? attempt.value;
      expect(decode(shown)).toContain(value);
      expect(scrubbed).toContain(`[REDACTED:${SECRETS.find((secret) => secret.value === attempt.value)?.name}]`);
      expect(longestRun(scrubbed, value)).toBeLessThanOrEqual(LONGEST_RUN);
      expect(longestRun(safely(decode, scrubbed), value)).toBeLessThanOrEqual(LONGEST_RUN);
      board.push({ attempt: attempt.what, result: "stopped" });
    });
  }

  test.skipIf(lacks("bash", "xxd", "hexdump"))("by a dump, wherever the value is in its lines", async () => {
    for (let before = 0; before < 16; before++) {
      for (const dump of ["xxd", "xxd -g1", "hexdump -C", "od -tx1", "od -An -tx1", "od -c", "xxd -p", "xxd -i"]) {
        const { shown, scrubbed } = await run(`printf '${"~".repeat(before)}%s~~~~~~~~' "$TOKEN" | ${dump}`);
        const lines = (output: string): string => output.replace(/^[0-9a-f]{7,8}:? ?/gm, "").replace(/[\s|]/g, "");
        expect(lines(shown)).not.toBe(lines(scrubbed));
        for (const form of [
          TOKEN,
          Buffer.from(TOKEN).toString("hex"),
          Array.from(TOKEN, (char) => `0x${char.charCodeAt(0).toString(16)}`).join(","),
        ]) {
          const unit = form.length / TOKEN.length;
          expect.soft(longestRun(lines(scrubbed), form) / unit, `${dump}, ${before} before:\n${scrubbed}`).toBeLessThan(LONGEST_RUN + 1);
        }
      }
    }
    board.push({ attempt: "dumps of all kinds, from each place in a line", result: "stopped" });
  });
});

describe("it is a limit that a command can show a secret", () => {
  for (const attempt of LIMITS) {
    test.skipIf(missing(attempt))(`by ${attempt.what}`, async () => {
      const { scrubbed } = await run(attempt.script);
      expect((attempt.decode ?? String)(scrubbed)).toContain(attempt.shows ?? attempt.value);
      board.push({ attempt: attempt.what, result: "known limit" });
    });
  }
});

describe(`of ${MIB} MiB of output`, { timeout: timeLimitMs(600_000) }, () => {
  test.skipIf(lacks("bash", "openssl"))("what holds no secret comes through as it is", async () => {
    const { shown, scrubbed } = await digests(
      `head -c ${MIB * 2 ** 20} /dev/zero | openssl enc -aes-128-ctr -nosalt -K ${"0".repeat(32)} -iv ${"0".repeat(32)}`,
    );
    expect(shown).not.toBe(createHash("sha256").digest("hex"));
    expect(scrubbed).toBe(shown);
  });

  test.skipIf(lacks("bash"))("no secret comes through, however many there are", async () => {
    const line = "GET /items?key=$TOKEN&page=2 200 {password:none,retries:[1,2,3],trace:9f86d081884c7d65} in 12 ms";
    const lineLength = line.replace("$TOKEN", TOKEN).length + 1;
    const lines = Math.floor((MIB * 2 ** 20) / lineLength);
    const child = start(`yes "${line}" | head -n ${lines}`);
    child.stderr.resume();
    let [found, length, end] = [0, 0, ""];
    for await (const chunk of child.stdout.pipe(known.stream())) {
      const text = end + (chunk as Buffer).toString("latin1");
      found += text.includes(TOKEN.slice(0, 8)) || text.includes(TOKEN.slice(-8)) ? 1 : 0;
      length += (chunk as Buffer).length;
      end = text.slice(-8);
    }
    expect(found).toBe(0);
    expect(length).toBe(lines * (lineLength - TOKEN.length + "[REDACTED:stripe/token]".length));
    board.push({ attempt: `${MIB} MiB of lines with a secret in each`, result: "stopped" });
  });
});

/** Both outputs of a script as they are and as they come through, standard output first. */
async function run(script: string): Promise<{ shown: string; scrubbed: string }> {
  const child = start(script);
  const read = async (stream: Readable): Promise<[string, string]> => {
    const copy = stream.pipe(new PassThrough());
    return Promise.all([text(copy), text(stream.pipe(known.stream()))]);
  };
  const [output, errors] = await Promise.all([read(child.stdout), read(child.stderr)]);
  return { shown: output[0] + errors[0], scrubbed: output[1] + errors[1] };
}

async function digests(script: string): Promise<{ shown: string; scrubbed: string }> {
  const child = start(script);
  child.stderr.resume();
  const [shown, scrubbed] = await Promise.all(
    [child.stdout, child.stdout.pipe(known.stream())].map((stream) => buffer(stream.pipe(createHash("sha256")))),
  );
  return { shown: (shown as Buffer).toString("hex"), scrubbed: (scrubbed as Buffer).toString("hex") };
}

function start(script: string) {
  const env = { PATH: process.env["PATH"], LC_ALL: "C.UTF-8", TOKEN, AWKWARD, KEY, SERVER: address };
  return spawn("bash", ["-c", script], { env, stdio: ["ignore", "pipe", "pipe"] });
}

function missing(attempt: Attempt): boolean {
  const elsewhere = attempt.linux === true && process.platform !== "linux";
  const skipped = elsewhere || lacks("bash", ...(attempt.needs ?? []));
  if (skipped) board.push({ attempt: attempt.what, result: "left out" });
  return skipped;
}

function safely(decode: (output: string) => string, output: string): string {
  try {
    return decode(output);
  } catch {
    return "";
  }
}

/** The length of the longest run of `value` that is in `output`. */
function longestRun(output: string, value: string): number {
  const text = output.replaceAll(/\[REDACTED:[a-z/]+\]/g, "\0");
  let longest = 0;
  for (let at = 0; at < value.length; at++)
    while (text.includes(value.slice(at, at + longest + 1)) && at + longest < value.length) longest++;
  return longest;
}
