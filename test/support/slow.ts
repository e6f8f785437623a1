import process from "node:process";

/** Whether tests may take longer than CI should: `npm run test:long` sets SLOW=1. */
export const SLOW = Boolean(process.env["SLOW"]);

/** How often a test does its work: as `variable` says, else `many` times where tests may take long, else a `few` times. */
export const rounds = (few: number, many: number, variable?: string): number =>
  Number((variable !== undefined && process.env[variable]) || (SLOW ? many : few));
