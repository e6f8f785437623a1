/** What it takes to use secrets, and nothing more: no parser is loaded until one is needed. */
export { isInBackground } from "../child/in-background.js";
export { endLike } from "../child/run-child.js";
export type { EnvEntry } from "../references/env-file.js";
export { parseInjectArgument, parseSecretArgument, type VariableNaming } from "../references/variables.js";
export type { UseRequest } from "../policy/use-request.js";
export { personalApprover } from "./authorize.js";
export { runWithSecrets, type RunRequest } from "./run.js";
