import { once, type EventEmitter } from "node:events";
import { constants } from "node:os";
import { exitCodeOf } from "@agent-vault/vault/read-only";
import { endGroup, endTree } from "./end-processes.js";
import type { PassedSignals, ProcessGroupKind } from "./pass-signals.js";
import type { ChildEnd, ChildRequest } from "./child-request.js";

/** How long a child that was asked to end has until it is killed. */
export const GRACE_MS = 5000;
/** The longest that a timer can be set to. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** A child, which emits `exit` with its exit code or the signal that ended it. */
export type RunningChild = EventEmitter & { readonly pid?: number | undefined };

/** Waits for a child to end, and ends it where its time is up or it was cancelled. */
export async function waitForChild(
  child: RunningChild,
  { timeoutMs, graceMs = GRACE_MS, signal: cancellation }: ChildRequest,
  groupKind: ProcessGroupKind,
  signals: PassedSignals,
): Promise<Omit<ChildEnd, "unwritten">> {
  let ending: Promise<void> | undefined;
  let timedOut = false;
  const end = () => {
    ending ??= groupKind === "group" ? endGroup(child.pid!, graceMs) : endTree(child.pid!, graceMs, groupKind === "pty");
  };
  const outOfTime = () => {
    timedOut = ending === undefined;
    end();
  };
  const timer = timeoutMs === undefined ? undefined : setTimeout(outOfTime, Math.min(timeoutMs, MAX_TIMER_MS));
  if (cancellation?.aborted) end();
  cancellation?.addEventListener("abort", end);
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  clearTimeout(timer);
  cancellation?.removeEventListener("abort", end);
  signals.end();
  await ending;
  const cancelled = ending !== undefined && !timedOut;
  const exitCode = timedOut ? exitCodeOf("TIMED_OUT") : signal ? 128 + constants.signals[signal] : code!;
  return { exitCode, signal: signal ?? undefined, timedOut, cancelled, passedOn: signals.seen };
}
