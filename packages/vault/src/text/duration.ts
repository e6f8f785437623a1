import { VaultError } from "../errors.js";

/** An hour in milliseconds. */
export const HOUR_MS = 3_600_000;
/** A day of 24 hours in milliseconds. */
export const DAY_MS = 24 * HOUR_MS;
const UNITS_MS = { s: 1000, m: 60_000, h: HOUR_MS, d: DAY_MS, w: 7 * DAY_MS, y: 365 * DAY_MS };

/** A span of time such as `30s`, `15m`, `12h`, `90d`, `6w` or `1y`, in milliseconds, or `undefined` where it is none. */
export function durationOf(text: string): number | undefined {
  const span = /^(\d{1,6})([smhdwy])$/.exec(text);
  return span ? Number(span[1]) * UNITS_MS[span[2] as keyof typeof UNITS_MS] : undefined;
}

/** A span of time in its largest whole unit up to days, as {@link durationOf} reads it. @param duration in milliseconds */
export function formatDuration(duration: number): string {
  const unit = (["d", "h", "m"] as const).find((unit) => duration % UNITS_MS[unit] === 0) ?? "s";
  return `${duration / UNITS_MS[unit]}${unit}`;
}

/** As {@link durationOf}. @throws VaultError `INVALID_VALUE` */
export function parseDuration(text: string): number {
  const duration = durationOf(text);
  if (duration !== undefined && duration > 0) return duration;
  throw new VaultError("INVALID_VALUE", `${JSON.stringify(text)} is not a span of time.`, {
    remedy: "Use seconds, minutes, hours, days, weeks or years: 30s, 15m, 12h, 90d, 6w, 1y.",
  });
}

/**
 * Reads a time: a date, which means the start of that day in UTC, an RFC 3339 time, or a span from now (`12h`, `90d`, `6w`, `1y`).
 * @param direction where a span leads
 * @throws VaultError `INVALID_VALUE`
 */
export function parseTime(text: string, now: Date, direction: "ahead" | "ago"): Date {
  const span = durationOf(text);
  if (span !== undefined) return new Date(now.getTime() + (direction === "ahead" ? span : -span));
  const isTime = /^\d{4}-\d{2}-\d{2}(?:[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:[Zz]|[+-]\d{2}:\d{2})?)?$/.test(text);
  const hasZone = /(?:[Zz]|[+-]\d{2}:\d{2})$/.test(text);
  const date = new Date(isTime ? text.replace(" ", "T") + (/[Tt ]/.test(text) && !hasZone ? "Z" : "") : Number.NaN);
  // JavaScript takes the 30th of February for the 2nd of March.
  const isDay = isTime && new Date(text.slice(0, 10)).toJSON()?.startsWith(text.slice(0, 10));
  if (isDay && !Number.isNaN(date.getTime())) return date;
  throw new VaultError("INVALID_VALUE", `${JSON.stringify(text)} is not a time.`, {
    remedy: `Use a date (2027-01-31), an RFC 3339 time (2027-01-31T12:00:00Z) or a span ${direction === "ahead" ? "from now" : "before now"} (12h, 90d, 6w, 1y).`,
  });
}
