// Changes a vault as agent-vault does, and stops half-way until another process waits for it.
// Usage: node half-writer.mjs REPOSITORY NEXT FILE...: of the vault in NEXT only these files are put in place first.
import { execFileSync } from "node:child_process";
import { cpSync, readdirSync, watch } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { withWriteLock } from "../../packages/vault/dist/disk/write-lock.js";
import { processContext } from "../../packages/vault/dist/context.js";

const [repository, next, ...first] = process.argv.slice(2);
const vault = join(repository, ".agent-vault");
const claims = join(repository, ".git", "agent-vault");

await withWriteLock(processContext(), claims, async () => {
  for (const file of first) cpSync(join(next, file), join(vault, file));
  const own = new Set(readdirSync(claims));
  const waited = new Promise((done) => {
    watch(claims, (_event, file) => file?.startsWith("claim.") && !own.has(file) && done()).unref();
  });
  const given = new Promise((done) => process.stdin.resume().on("end", () => done()));
  process.stdout.write("half-way\n");
  await Promise.race([waited, given]);
  cpSync(next, vault, { recursive: true });
  execFileSync("git", ["add", "--all", "--", ".agent-vault"], { cwd: repository });
  execFileSync("git", ["commit", "--quiet", "--no-verify", "--message", "The next state"], { cwd: repository });
});
process.exit();
