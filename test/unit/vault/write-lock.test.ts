import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { withWriteLock, withWriteLockSync } from "#vault/disk/write-lock.js";
import { Sandbox } from "../../support/sandbox.js";

const VAULT = resolve(import.meta.dirname, "../../../packages/vault/dist");

it.skipIf(process.platform !== "linux")("a claim counts for nothing once its process id has gone to another user's process", async () => {
  const box = new Sandbox();
  const folder = join(box.root, "claims");
  mkdirSync(folder);
  chmodSync(box.root, 0o755);
  chmodSync(folder, 0o777);
  // Process 1 lives, is not ours to ask, and began at another time than the claim says.
  const program = box.write(
    join(box.root, "program.mjs"),
    `import { readdirSync, writeFileSync } from "node:fs";
     import { withWriteLock } from ${JSON.stringify(join(VAULT, "disk/write-lock.js"))};
     import { processContext } from ${JSON.stringify(join(VAULT, "context.js"))};
     const folder = ${JSON.stringify(folder)};
     await withWriteLock(processContext(), folder, async () => {
       const machine = readdirSync(folder)[0].split(".")[1];
       writeFileSync(folder + "/claim." + machine + ".1.99999999999.abc", "");
     });
     await withWriteLock(processContext(), folder, async () => console.log(readdirSync(folder).length), 0);`,
  );
  const nobody = process.getuid!() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const child = spawn(process.execPath, [program], { ...nobody, env: box.env, stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  expect((await once(child, "close"))[0]).toBe(0);
  expect(output).toBe("1\n");
});

describe("a claim of another machine or container", () => {
  const OTHER = "claim.0123456789ab.7.1234.abcdef";

  /** @param ageS how long ago it was renewed */
  function claimed(box: Sandbox, ageS: number): string {
    const folder = join(box.root, "claims");
    mkdirSync(folder);
    writeFileSync(join(folder, OTHER), "");
    const time = Date.now() / 1000 - ageS;
    utimesSync(join(folder, OTHER), time, time);
    return folder;
  }

  it("holds up everybody while it is renewed", async () => {
    const box = new Sandbox();
    const folder = claimed(box, 45);
    await expect(withWriteLock(box.context(), folder, async () => {}, 0)).rejects.toMatchObject({ code: "BUSY" });
    expect(readdirSync(folder)).toEqual([OTHER]);
  });

  it("is a dead one's, and goes, once it was not renewed for a minute", async () => {
    const box = new Sandbox();
    const folder = claimed(box, 75);
    const others = () => readdirSync(folder).includes(OTHER);
    expect(await withWriteLock(box.context(), folder, async () => others(), 0)).toBe(false);
    writeFileSync(join(folder, OTHER), "");
    utimesSync(join(folder, OTHER), 0, 0);
    expect(withWriteLockSync(box.context(), folder, others, 0)).toBe(false);
  });
});

it("a holder renews its claim while it works, and leaves none behind", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  onTestFinished(() => void vi.useRealTimers());
  const box = new Sandbox();
  const folder = join(box.root, "claims");
  await withWriteLock(box.context(), folder, async () => {
    const [claim] = readdirSync(folder);
    utimesSync(join(folder, claim!), 0, 0);
    vi.advanceTimersByTime(10_000);
    expect(statSync(join(folder, claim!)).mtimeMs).toBeGreaterThan(0);
  });
  vi.advanceTimersByTime(60_000);
  expect(readdirSync(folder)).toEqual([]);
});
