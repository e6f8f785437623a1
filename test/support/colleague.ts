import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { set } from "#vault/index.js";
import type { Sandbox } from "./sandbox.js";

/** Somebody else, with a clone of the sandbox's remote and a home of their own. */
export interface Colleague {
  readonly clone: string;
  readonly home: string;
}

export function addColleague(box: Sandbox): Colleague {
  const clone = mkdtempSync(join(box.root, "colleague-"));
  const home = mkdtempSync(join(box.root, "home-"));
  box.git("clone", "--quiet", join(box.root, "remote.git"), clone);
  return { clone, home };
}

/** A colleague, with the owner's key, changes the vault and pushes. @returns their clone */
export async function colleagueChanges(box: Sandbox): Promise<string> {
  const { clone, home } = addColleague(box);
  const request = { vault: join(clone, ".agent-vault"), path: "there/secret", value: Buffer.from("y"), key: { keyFile: box.ownerKey } };
  await set(box.context({ cwd: clone, home }), request);
  box.gitIn(clone, "push", "--quiet");
  return clone;
}
