import { fstatSync } from "node:fs";
import type { Writable } from "node:stream";

/** Whether two streams write to one place, such as the same terminal, or a file by `2>&1`. */
export function isSameDestination(one: Writable, other: Writable): boolean {
  if (one === other) return true;
  const [place, otherPlace] = [placeOf(one), placeOf(other)];
  return place !== undefined && place === otherPlace;
}

function placeOf(stream: Writable): string | undefined {
  const { fd } = stream as { fd?: unknown };
  if (typeof fd !== "number") return undefined;
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true });
    return `${dev} ${ino}`;
  } catch {
    return undefined;
  }
}
