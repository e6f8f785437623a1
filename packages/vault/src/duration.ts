import { VaultError } from "./errors.js";

const HOUR = 3_600_000;
const UNITS = { s: 1000, m: 60_000, h: HOUR, d: 24 * HOUR, w: 7 * 24 * HOUR, y: 365 * 24 * HOUR };

/** A span of time such as `30s`, `15m`, `12h`, `90d`, `6w` or `1y`, in milliseconds, or `undefined` where it is none. */
export function durationOf(text: string): number | undefined {
  const span = /^(\d{1,6})([smhdwy])$/.exec(text);
  return span ? Number(span[1]) * UNITS[span[2] as keyof typeof UNITS] : undefined;
}

/** As {@link durationOf}. @throws VaultError `INVALID_VALUE` */
export function parseDuration(text: string): number {
  const duration = durationOf(text);
  if (duration !== undefined && duration > 0) return duration;
  throw new VaultError("INVALID_VALUE", `${JSON.stringify(text)} is not a span of time.`, {
    remedy: "Use seconds, minutes, hours, days, weeks or years: 30s, 15m, 12h, 90d, 6w, 1y.",
  });
}
