import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { expect, it, onTestFinished } from "vitest";
import { DatabaseSidecar, type SidecarContent } from "#ledger/database/database-sidecar.js";

it("tells files that were left in order from those that need a look", () => {
  const folder = mkdtempSync(join(tmpdir(), "agent-vault-marks-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "x.db");
  const sidecar = new DatabaseSidecar(path);
  const written = (change: Partial<SidecarContent> = {}): SidecarContent => {
    sidecar.write({
      activity: "nothing",
      pid: process.ppid,
      ...sidecar.stamps(),
      rows: 1,
      head: "",
      machine: "m",
      replaces: "",
      keyCheck: "k",
      ...change,
    });
    return sidecar.read()!;
  };
  expect(sidecar.read()).toBeUndefined();
  expect(sidecar.conditionOf(undefined)).toBe("new");
  expect(sidecar.conditionOf(written({ rows: 0 }))).toBe("new");
  expect(sidecar.conditionOf(written())).toBe("sound");

  writeFileSync(path, "database");
  expect(sidecar.conditionOf(sidecar.read())).toBe("changed");
  expect(sidecar.conditionOf(undefined)).toBe("changed");
  expect(sidecar.conditionOf(written())).toBe("sound");
  writeFileSync(`${path}-wal`, "frames");
  expect(sidecar.conditionOf(sidecar.read())).toBe("changed");

  // The parent of this process lives, this one has nothing under way, and no process has the last number.
  expect(sidecar.conditionOf(written({ activity: "writing" }))).toBe("sound");
  expect(sidecar.conditionOf(written({ activity: "writing", pid: process.pid }))).toBe("suspicious");
  expect(sidecar.conditionOf(written({ activity: "writing", pid: 2 ** 22 + 1 }))).toBe("suspicious");
  expect(sidecar.conditionOf(written({ activity: "checking" }))).toBe("being checked");
  utimesSync(`${path}-marks`, 1, 1);
  expect(sidecar.conditionOf(sidecar.read())).toBe("suspicious");
  expect(sidecar.conditionOf(written({ activity: "checking", pid: 2 ** 22 + 1 }))).toBe("suspicious");

  writeFileSync(`${path}-marks`, '{"format":1,"doing":"nothing"}');
  expect(sidecar.read()).toBeUndefined();
});
