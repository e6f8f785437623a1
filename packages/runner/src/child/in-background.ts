import process from "node:process";
import { processEntry } from "./process-table.js";

/** Whether this process is in the background of its terminal, as far as that can be told: reading the terminal would stop it. */
export function isInBackground(): boolean {
  const { group, foreground = 0 } = processEntry(process.pid) ?? {};
  return foreground > 0 && group !== foreground;
}
