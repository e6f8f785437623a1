import process from "node:process";
import type { Writable } from "node:stream";
import type { ChildRequest } from "./child-request.js";
import type { Pump } from "./pump.js";

/**
 * Hands on what a child that has ended had written, and leaves the outputs that something still holds to a process of their own.
 * @param held a descriptor that such a process keeps open
 * @returns whether there are any
 */
export async function finishOutputs(
  outputs: readonly { readonly pump: Pump; readonly to: Writable }[],
  { scrub }: Pick<ChildRequest, "scrub">,
  held?: number,
): Promise<{ readonly isLeft: boolean }> {
  const states = await Promise.all(outputs.map(async ({ pump, to }) => ({ pump, to, state: await pump.finish() })));
  const open = states.filter(({ state }) => state === "left open");
  if (open.length === 0) return { isLeft: false };
  const { LeftBehindProcess } = await import("./left-behind.js");
  const left = new LeftBehindProcess(
    open.map(({ pump, to }) => ({ source: pump.detach(), to: scrub && standardStream(to) })),
    held,
  );
  const unfinished = await Promise.all(open.map(({ pump }) => pump.close()));
  await left.begin(scrub ?? { secrets: [], allowShort: true }, unfinished);
  return { isLeft: true };
}

function standardStream(to: Writable): "stdout" | "stderr" | undefined {
  return to === process.stdout ? "stdout" : to === process.stderr ? "stderr" : undefined;
}
