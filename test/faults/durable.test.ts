import { expect, it } from "vitest";
import { recordCalls } from "./at-call.js";
import { VaultAtWork } from "./vault-at-work.js";

it("the journal of a change goes once the files in place and the index are on the disk", async () => {
  const { box } = await VaultAtWork.make();
  const calls = await recordCalls(box, { words: ["set", "other/token", "--exact"], input: "another value" });
  const after = (start: number, what: RegExp) => calls.findIndex((call, index) => index > start && what.test(call));
  const placed = after(-1, /^renameSync .*staging\/secrets\/other\/token\.meta /);
  const synced = after(placed, /^fsyncSync /);
  const indexed = after(synced, /^spawn git .*core\.fsync=index .*--index-info/);
  const gone = after(placed, /^rmSync .*journal\.json$/);
  expect([placed > 0, synced > placed, indexed > synced, gone > indexed], calls.join("\n")).toEqual([true, true, true, true]);
});
