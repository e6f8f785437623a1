import type { Context } from "../context.js";

let writer: string | undefined;
let count = 0;

/** A name for a row that goes to a collector or a file: no two rows have the same. */
export function recordId({ random }: Pick<Context, "random">): string {
  writer ??= Buffer.from(random(16)).toString("hex");
  count += 1;
  return `${writer}:${count}`;
}
