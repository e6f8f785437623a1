export { adviceFor } from "./advice.js";
export { ALLOW_FILE, allowFindings, type AllowResult } from "./allow.js";
export type { ScanFinding } from "./finding.js";
export { hookStatus, installHook, uninstallHook, type HookMethod, type HookResult, type InstallOptions } from "./install.js";
export { findKeyMaterial, type KeyKind, type KeyMaterial } from "./key-material.js";
export { scanFiles, scanIndex, scanStaged } from "./scan.js";
