export type { Holder, RequestedSecret, UseRequest } from "./use-request.js";
export { childEnvironment, cleanEnvironment } from "./child/child-environment.js";
export { endLike, runChild, type ChildEnd, type ChildOutput, type ChildRequest } from "./child/run-child.js";
export { SecretFiles } from "./child/secret-files.js";
export { shellCommand } from "./child/shell-command.js";
