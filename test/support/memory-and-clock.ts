import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Sandbox } from "./sandbox.js";

/** Has a clone take its remote for one that was last asked at another time: long ago unless set. */
export function setLastAsked(clone: string, time = new Date(0)): void {
  const file = join(clone, ".git/agent-vault/fetched.json");
  if (!existsSync(file)) return;
  const record = JSON.parse(readFileSync(file, "utf8")) as object;
  writeFileSync(file, JSON.stringify({ ...record, triedAt: time.getTime(), fetchedAt: time.getTime() }));
}

/** Has the homes of a machine park that was copied remember the remotes and clones where they are now. */
export function moveMemories(box: Sandbox, from: string): void {
  for (const file of readdirSync(box.root, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith("memory.json")) continue;
    const path = join(box.root, file);
    writeFileSync(path, readFileSync(path, "utf8").replaceAll(from, box.root));
  }
}
