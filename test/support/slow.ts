import process from "node:process";

/** Whether tests may take longer than CI should: `npm run test:long` sets SLOW=1. */
export const SLOW = Boolean(process.env["SLOW"]);

/** How often a test does its work: as `variable` says, else `many` times where tests may take long, else a `few` times. */
export const rounds = (few: number, many: number, variable?: string): number =>
  Number((variable !== undefined && process.env[variable]) || (SLOW ? many : few));

/** How long a test may take, in milliseconds: what it is given, or six hours where tests may take long and the machine may have other work. */
export const timeLimitMs = (limitMs: number): number => (SLOW ? 6 * 3_600_000 : limitMs);
