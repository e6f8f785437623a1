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
  const marks = new DatabaseSidecar(path);
  const written = (change: Partial<SidecarContent> = {}): SidecarContent => {
    marks.write({
      doing: "nothing",
      pid: process.ppid,
      ...marks.stamps(),
      rows: 1,
      head: "",
      machine: "m",
      replaces: "",
      keyCheck: "k",
      ...change,
    });
    return marks.read()!;
  };
  expect(marks.read()).toBeUndefined();
  expect(marks.judge(undefined)).toBe("new");
  expect(marks.judge(written({ rows: 0 }))).toBe("new");
  expect(marks.judge(written())).toBe("sound");

  writeFileSync(path, "database");
  expect(marks.judge(marks.read())).toBe("changed");
  expect(marks.judge(undefined)).toBe("changed");
  expect(marks.judge(written())).toBe("sound");
  writeFileSync(`${path}-wal`, "frames");
  expect(marks.judge(marks.read())).toBe("changed");

  // The parent of this process lives, this one has nothing under way, and no process has the last number.
  expect(marks.judge(written({ doing: "writing" }))).toBe("sound");
  expect(marks.judge(written({ doing: "writing", pid: process.pid }))).toBe("suspicious");
  expect(marks.judge(written({ doing: "writing", pid: 2 ** 22 + 1 }))).toBe("suspicious");
  expect(marks.judge(written({ doing: "checking" }))).toBe("being checked");
  utimesSync(`${path}-marks`, 1, 1);
  expect(marks.judge(marks.read())).toBe("suspicious");
  expect(marks.judge(written({ doing: "checking", pid: 2 ** 22 + 1 }))).toBe("suspicious");

  writeFileSync(`${path}-marks`, '{"format":1,"doing":"nothing"}');
  expect(marks.read()).toBeUndefined();
});
