// What scrubbing costs: output of 256 MiB in pieces of 64 KiB, in memory beside copying it, and through pipes beside `cat` and a bare stream;
// and how long a line is held that may be the start of a secret.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { KnownSecrets } from "../../packages/runner/dist/index.js";
import { comparison, medians } from "./measure.mjs";

const PIPE = fileURLToPath(new URL("scrub-pipe.mjs", import.meta.url));
const MIB = 256;
const PIECE = 64 * 1024;
const ROUNDS = 7;
const REACH = 500;
const REACH_DELAY_MS = 20;
const LINES = 400;

/** So many secrets of 32 characters, always the same. */
export function secrets(count) {
  return Array.from({ length: count }, (_, index) => ({ name: `bench/${index}`, value: digest(index).toString("base64url").slice(0, 32) }));
}

/** As many of all shapes: tokens, URLs with passwords, JSON, lines of an env file, keys in PEM. */
export function shapedSecrets(count) {
  return secrets(count).map(({ name, value }, index) => {
    const key = digest(index).toString("base64");
    const shapes = [
      value,
      `postgres://app:${value}@db${index}.example:5432/shop`,
      JSON.stringify({ type: "service", password: value, key: digest(-index).toString("hex") }),
      `DB_PASSWORD="${value}"\nTOKEN=${digest(-index).toString("hex")}\n`,
      `-----BEGIN TEST KEY-----\n${key}\n${digest(-index).toString("base64")}\n-----END TEST KEY-----\n`,
    ];
    return { name, value: shapes[index % shapes.length] };
  });
}

export function measure({ withMachine, say }) {
  return withMachine(async (machine) => {
    const output = logLines();
    const comparisons = [];
    for (const count of [1, 10, 1000]) {
      say(`measuring ${count} secrets`);
      const start = performance.now();
      const known = new KnownSecrets(secrets(count));
      process.stderr.write(`  made ready in ${(performance.now() - start).toFixed(1)} ms\n`);
      const { scrub, copy } = medians(
        { scrub: () => timed(() => scrubAll(known, output)), copy: () => timed(() => copyAll(output)) },
        ROUNDS,
      );
      const speed = (MIB * 2 ** 20) / 1000 / scrub;
      process.stderr.write(`  ${speed.toFixed(0)} MB/s\n`);
      const reach = count === 10 ? { says: `${REACH} MB/s`, reached: speed >= REACH } : undefined;
      comparisons.push(comparison(`scrub ${MIB} MiB, ${count} secrets`, scrub, "copying it", copy, reach));
    }

    const file = join(machine.root, "output");
    writeFileSync(file, output);
    const piped = (through) => () => machine.run("sh", "-c", `cat ${file} | ${through} > ${join(machine.root, "copy")}`);
    const node = (count) => piped(`${process.execPath} ${PIPE} ${count}`);
    const { cat, bare, ten, shaped } = medians({ cat: piped("cat"), bare: node(0), ten: node(10), shaped: node("1000 shaped") }, ROUNDS);
    comparisons.push(comparison(`${MIB} MiB through a pipe, 10 secrets`, ten, "cat", cat));
    comparisons.push(comparison(`${MIB} MiB through a pipe, 10 secrets`, ten, "a bare stream of Node", bare));
    comparisons.push(
      comparison(`${MIB} MiB through a pipe, 1000 secrets of all shapes`, shaped, "a bare stream of Node", bare, {
        says: "3 times",
        reached: shaped <= 3 * bare,
      }),
    );
    say("measuring the delay of a line");
    const delays = await lineDelays();
    const p99 = delays[Math.floor(delays.length * 0.99)];
    comparisons.push(
      comparison("a line with 10 secrets of all shapes, p99", p99, "the median", delays[delays.length >> 1], {
        says: `${REACH_DELAY_MS} ms`,
        reached: p99 <= REACH_DELAY_MS,
      }),
    );
    return comparisons;
  });
}

/** How long each of many lines takes through a stream, in order; after each there is silence. */
async function lineDelays() {
  const stream = new KnownSecrets(shapedSecrets(10)).stream();
  stream.resume();
  const delays = [];
  for (let index = 0; index < LINES; index++) {
    const passed = once(stream, "data");
    const start = performance.now();
    stream.write(
      `ready: http://localhost:${3000 + index}/${digest(index)
        .toString("base64url")
        .slice(0, 1 + (index % 20))}\n`,
    );
    await passed;
    delays.push(performance.now() - start);
  }
  stream.end();
  return delays.toSorted((one, other) => one - other);
}

function scrubAll(known, output) {
  const scrubber = known.scrubber();
  let length = 0;
  for (let at = 0; at < output.length; at += PIECE) length += scrubber.write(output.subarray(at, at + PIECE)).length;
  if (length + scrubber.flush().length !== output.length) throw new Error("the output was changed");
}

function copyAll(output) {
  for (let at = 0; at < output.length; at += PIECE) Buffer.from(output.subarray(at, at + PIECE));
}

function timed(work) {
  const start = performance.now();
  work();
  return performance.now() - start;
}

/** What a service logs, with numbers, identifiers and JSON. */
function logLines() {
  const lines = [];
  for (let index = 0; index < 8192; index++) {
    const trace = digest(-index).toString("hex").slice(0, 16);
    const path = `/api/v1/items/${index * 7919}?page=${index % 13}&q=a%20b`;
    lines.push(
      `2026-11-22T09:00:11.${index} INFO [worker-${index % 7}] GET ${path} 200 {"trace":"${trace}","retries":[1,2],"note":"done\\n"}\n`,
    );
  }
  const text = Buffer.from(lines.join(""));
  return Buffer.alloc(MIB * 2 ** 20, text);
}

function digest(index) {
  return createHash("sha256").update(String(index)).digest();
}
