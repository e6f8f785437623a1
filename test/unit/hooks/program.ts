import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../../../", import.meta.url));

const SOURCE = `
import { scanStaged } from "@agent-vault/hooks";
import { processContext } from "@agent-vault/vault";
if (process.argv.slice(2).join(" ") !== "scan --staged") throw new Error("unexpected arguments");
const findings = await scanStaged(processContext(), process.cwd());
for (const { message } of findings) console.error(message);
process.exitCode = findings.length > 0 ? 5 : 0;
`;

/** A program that does what `agent-vault scan --staged` does, in one file: what hooks start in these tests. */
export async function scanProgram(): Promise<{ command: string[]; remove(): void }> {
  const folder = mkdtempSync(join(tmpdir(), "it's a program "));
  const file = join(folder, "agent-vault.mjs");
  await build({
    stdin: { contents: SOURCE, resolveDir: root, loader: "ts" },
    outfile: file,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    alias: {
      "@agent-vault/hooks": join(root, "hooks/src/index.ts"),
      "@agent-vault/vault/read-only": join(root, "packages/vault/src/read-only.ts"),
    },
    external: ["yaml", "simple-git", "zod"],
    logLevel: "error",
  });
  return { command: [process.execPath, file], remove: () => rmSync(folder, { recursive: true }) };
}
