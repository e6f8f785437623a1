import { describe, expect, it } from "vitest";
import { inputRequired } from "@modelcontextprotocol/server";
import { PendingCall } from "#mcp/server/pending-call.js";
import { PendingCalls } from "#mcp/server/pending-calls.js";

const QUESTION = inputRequired.elicit({ message: "?", requestedSchema: { type: "object", properties: {} } });
const YES = { kind: "elicit", action: "accept" } as const;

describe("a pending call", () => {
  it("stops for each question, and goes on with what is about that question", async () => {
    const asked = new PendingCall<unknown[]>(async ({ ask }) => [await ask(QUESTION, 60_000), await ask(QUESTION, 60_000)]);
    const first = await asked.next();
    asked.answer((key) => (key === "question-2" ? YES : { kind: "missing" }));
    expect(await asked.next()).toEqual(first);
    asked.answer(() => ({ kind: "elicit", action: "decline" }));
    const second = await asked.next();
    expect(second).toMatchObject({ key: "question-2" });
    asked.answer((key) => (key === "question-1" ? YES : { kind: "missing" }));
    expect(await asked.next()).toEqual(second);
    asked.answer(() => YES);
    expect(await asked.next()).toEqual({ result: [{ kind: "elicit", action: "decline" }, YES] });
    asked.answer(() => ({ kind: "elicit", action: "cancel" }));
    expect(await asked.next()).toMatchObject({ result: [{}, YES] });
  });

  it("takes silence, and an end, for no answer", async () => {
    const silent = new PendingCall<unknown>(({ ask }) => ask(QUESTION, 1));
    expect(await silent.next()).toMatchObject({ key: "question-1" });
    await silent.done;
    silent.answer(() => YES);
    expect(await silent.next()).toEqual({ result: { kind: "missing" } });

    const ended = new PendingCall<unknown>(async ({ ask, signal }) => [
      await ask(QUESTION, 60_000),
      signal.aborted,
      await ask(QUESTION, 60_000),
    ]);
    await ended.next();
    ended.abort();
    expect(await ended.next()).toEqual({ result: [{ kind: "missing" }, true, { kind: "missing" }] });
  });

  it("is found again by its number, for what it is about, and by nothing else", () => {
    let count = 0;
    const all = new PendingCalls<string>(() => `number-${++count}`);
    const made = new PendingCall<string>(() => new Promise(() => {}));
    const id = all.keep(made, "run true");
    expect(all.keep(made, "run true")).toBe(id);
    expect(all.find(id, "run true")).toBe(made);
    expect(all.find(id, "run false")).toBeUndefined();
    expect(all.find("number-2", "run true")).toBeUndefined();
    for (let more = 0; more < 64; more++) all.keep(new PendingCall<string>(() => new Promise(() => {})), "more");
    expect(all.find(id, "run true")).toBeUndefined();
  });
});
