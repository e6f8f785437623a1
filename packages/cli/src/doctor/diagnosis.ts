/** One thing that the doctor has looked at. */
export interface Diagnosis {
  readonly subject: string;
  readonly state: "ok" | "warning" | "error";
  readonly message: string;
  /** What mends it; absent where nothing is wrong. */
  readonly remedy?: string | undefined;
}

export const ok = (subject: string, message: string): Diagnosis => ({ subject, state: "ok", message });
export const warning = (subject: string, message: string, remedy: string): Diagnosis => ({ subject, state: "warning", message, remedy });
export const error = (subject: string, message: string, remedy: string): Diagnosis => ({ subject, state: "error", message, remedy });
