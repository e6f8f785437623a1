import { mkdtempSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { SCRATCH } from "./scratch.js";

declare module "vitest" {
  interface ProvidedContext {
    /** A folder with a link to each machine that was made for all test files. */
    readonly machines: string;
  }
}

/** What vitest runs before all tests and, as the function that it returns, after them. */
export default function setup(project: TestProject): () => void {
  const folder = mkdtempSync(join(SCRATCH, "agent-vault-machines-"));
  project.provide("machines", folder);
  return () => {
    for (const name of readdirSync(folder)) rmSync(readlinkSync(join(folder, name)), { recursive: true, force: true });
    rmSync(folder, { recursive: true });
  };
}
