import { createHash } from "node:crypto";
import { readlinkSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { serialize } from "node:v8";
import { inject } from "vitest";
import { isSystemError } from "#vault/errors.js";
import { Sandbox, type SandboxOptions } from "./sandbox.js";

/**
 * A machine that is made once for all test files, in whatever process one of them runs first; it is there to be copied.
 * @param what names it: the same for all that would make the same
 * @param make prepares a new machine
 * @returns its folder
 */
export async function madeOnce(what: readonly unknown[], options: SandboxOptions, make: (box: Sandbox) => Promise<void>): Promise<string> {
  const name = createHash("sha256")
    .update(serialize([...what, options]))
    .digest("hex");
  const link = join(inject("machines"), name);
  try {
    return readlinkSync(link);
  } catch (error) {
    if (!isSystemError(error, "ENOENT")) throw error;
  }
  const box = new Sandbox({ ...options, kept: true });
  try {
    await make(box);
    symlinkSync(box.root, link);
    return box.root;
  } catch (error) {
    rmSync(box.root, { recursive: true, force: true });
    // Another process was first.
    if (isSystemError(error, "EEXIST") && error.path === box.root) return readlinkSync(link);
    throw error;
  }
}
