import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import { expect, it } from "vitest";
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
