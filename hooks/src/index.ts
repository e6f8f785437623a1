export { adviceFor } from "./advice.js";
export { ALLOW_FILE, allowFindings, type AllowResult } from "./allow.js";
export type { ScanFinding } from "./finding.js";
export type { HookMethod } from "./hook-location.js";
export {
  hookStatus,
  hookTurnedOff,
  installHook,
  mergeDriverStatus,
  uninstallHook,
  type HookResult,
  type InstallOptions,
} from "./install.js";
export type { KeyKind } from "./key-formats/key-format.js";
export type { MergeDriverStatus } from "./merge-driver.js";
export { findKeyMaterial, type KeyMaterial } from "./key-material.js";
export { scanFiles, scanIndex, scanStaged } from "./scan.js";
export { scanRange } from "./scan-range.js";
