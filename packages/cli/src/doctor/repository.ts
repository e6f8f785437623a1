import { hookStatus, mergeDriverStatus } from "@agent-vault/hooks";
import { GitRepository, VaultError, type Context } from "@agent-vault/vault";
import { isGitError } from "@agent-vault/vault/git";
import { ok, warning, type Diagnosis } from "./diagnosis.js";

/** The repository that the vault is in, and who commits there. */
export async function examineRepository(context: Context, root: string): Promise<Diagnosis> {
  const repository = await GitRepository.find(context, root).catch(asVaultError);
  if (repository instanceof VaultError) {
    if (repository.code !== "REPOSITORY_NOT_FOUND") return failure("repository", repository);
    return warning("repository", `${root} is not in a git repository.`, "Run git init there, so that changes can be committed.");
  }
  const email = (await repository.try(["config", "user.email"]))?.trim();
  if (email) return ok("repository", `${repository.workTree}, with commits as ${email}.`);
  return warning(
    "repository",
    "Git does not know who you are.",
    "Set git config --global user.name NAME and git config --global user.email ADDRESS.",
  );
}

/** Whether the pre-commit hook is installed in this clone. */
export async function examineHook(context: Context, root: string): Promise<Diagnosis> {
  const status = await hookStatus(context, root).catch(asVaultError);
  if (isGitError(status, "dubiousOwnership")) return failure("hook", status);
  if ("installed" in status && status.installed) return ok("hook", "The pre-commit hook is installed.");
  return warning("hook", "The pre-commit hook is not installed in this clone.", "Install it with agent-vault hook install.");
}

/** Whether git joins the vault in this clone, where both sides of a merge have changed it. */
export async function examineMergeDriver(context: Context, root: string): Promise<Diagnosis> {
  const status = await mergeDriverStatus(context, root).catch(asVaultError);
  if (status instanceof VaultError) return failure("merge", status);
  if (status === "registered") return ok("merge", "Git merges the vault by agent-vault's merge driver.");
  return warning("merge", DRIVER_PROBLEMS[status], "Register it with agent-vault hook install.");
}

const DRIVER_PROBLEMS = {
  "not-registered": "Git does not merge the vault in this clone: what both sides have changed conflicts.",
  "other-version": "Git merges the vault by the merge driver of another version of agent-vault.",
  "program-gone": "Git would merge the vault by an agent-vault that is not there any more.",
} as const;

function failure(subject: string, { message, remedy }: VaultError): Diagnosis {
  return warning(subject, message, remedy ?? "Run git status there to see why.");
}

function asVaultError(error: unknown): VaultError {
  if (error instanceof VaultError) return error;
  throw error;
}
