import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { describe, expect, it } from "vitest";
import { CappedOutput } from "#mcp/call/capped-output.js";
import { LineLimit } from "#mcp/server/line-limit.js";

async function capped(most: number, chunks: readonly string[]): Promise<{ text: string; omitted: number }> {
  const output = new CappedOutput(most);
  await pipeline(Readable.from(chunks.map((chunk) => Buffer.from(chunk))), output);
  return output.text();
}

describe("an output with a cap", () => {
  it("is kept whole up to the cap, and of a longer one its beginning and its end", async () => {
    expect(await capped(8, [])).toEqual({ text: "", omitted: 0 });
    expect(await capped(8, ["abc", "defgh"])).toEqual({ text: "abcdefgh", omitted: 0 });
    expect(await capped(8, ["abc", "defgh", "i"])).toEqual({ text: "ab\n[... 1 bytes are left out here ...]\ndefghi", omitted: 1 });
    const many = Array.from({ length: 5000 }, (_, index) => String(index % 10));
    expect(await capped(8, many)).toEqual({ text: "01\n[... 4992 bytes are left out here ...]\n456789", omitted: 4992 });
    expect(await capped(8, ["x".repeat(1_000_000)])).toMatchObject({ omitted: 999_992 });
  });
});

describe("lines with a limit", () => {
  const through = async (most: number, chunks: readonly string[]) => {
    let dropped = 0;
    const limit = new LineLimit(most, () => (dropped += 1));
    return { text: await text(Readable.from(chunks.map((chunk) => Buffer.from(chunk))).pipe(limit)), dropped };
  };

  it("come through whole, however they are cut, and those that are too long do not", async () => {
    expect(await through(6, ["one\ntw", "o\n", "12345\n"])).toEqual({ text: "one\ntwo\n12345\n", dropped: 0 });
    expect(await through(6, ["a\n123", "456", "78\nb\n", "123456\n", "c\nunfinished"])).toEqual({ text: "a\nb\nc\n", dropped: 2 });
  });
});
