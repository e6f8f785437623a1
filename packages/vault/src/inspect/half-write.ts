import { isSignOfHalfWrite } from "../reading/read-consistently.js";
import { FINDINGS, type Finding } from "./finding.js";

/** Whether this may have been found only because another process is half-way through a change. */
export function hasSignOfHalfWrite(findings: readonly Finding[]): boolean {
  return findings.some(({ severity, kind }) => severity === "error" && isSignOfHalfWrite(FINDINGS[kind].code));
}
