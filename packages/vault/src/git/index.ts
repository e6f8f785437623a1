/** git, as a program: what another package runs it with. */
export type { EnvironmentOptions } from "./environment.js";
export { GitError, gitFailed, isGitError, type FailedRun, type GitErrorKind } from "./errors.js";
export { findGitFolders, type GitFolders } from "./git-folders.js";
export { readObjects, type ObjectSink } from "./objects.js";
export { runGitForOutput, type GitOutput } from "./run-git.js";
