import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type Context, isSystemError, shellQuote, VaultError, writeError } from "@agent-vault/vault/read-only";
import { outsideHooks, runGit } from "./git.js";
import { findHookFolders, type HookFolders } from "./hook-folders.js";
import { fileLocation, type HookLocation, type HookMethod, setConfig, unsetConfig } from "./hook-location.js";
import { allLocationsBeside, currentLocation, hookLocations, locationsBeside } from "./find-hook-location.js";
import { driverStatus, registerDriver, unregisterDriver, type MergeDriverStatus } from "./merge-driver.js";
import { COMMAND_KEY, INSTALLED_KEY } from "./hook-script.js";

/** Where the check is, or would be. */
export interface HookResult {
  readonly method: HookMethod;
  /** Absolute path of the file that holds the hook, or would. */
  readonly file: string;
  readonly installed: boolean;
  /** What a person adds to `file` by hand, where nothing was written. */
  readonly manual?: string;
}

/** How the check is installed. */
export interface InstallOptions {
  /** How to start agent-vault: absolute paths of node and of the program. Without them, the hook looks on the PATH. */
  readonly command: readonly string[];
  /** git's version, `2.54.0`; asked of git unless given. */
  readonly gitVersion?: string;
}

/**
 * Installs the pre-commit hook, registers the merge driver of the vault's files, and installs beside the hook those that check merges, that note and check what
 * is pushed and that sign merges which git has made. Where they are installed already, they are brought up to date. The hooks beside it are
 * a convenience: where one cannot be installed, the context says so.
 * @throws VaultError `REPOSITORY_NOT_FOUND`, `GIT_MISSING`, `GIT_FAILED`, `UNWRITABLE`, `DISK_FULL`, `ALREADY_EXISTS`
 */
export async function installHook(caller: Context, cwd: string, options: InstallOptions): Promise<HookResult> {
  const context = outsideHooks(caller);
  const repository = await findHookFolders(context, cwd);
  const location = await currentLocation(context, repository, options.gitVersion);
  const { method, file } = location;
  let installed: boolean;
  try {
    installed = await location.install();
  } catch (error) {
    throw writeError(error, file);
  }
  await setConfig(context, repository.root, COMMAND_KEY, options.command.map(shellQuote).join(" "));
  await registerDriver(context, repository.root);
  if (!installed) return { method, file, installed, manual: location.manual };
  await setConfig(context, repository.root, INSTALLED_KEY, "true");
  for (const beside of locationsBeside(context, repository, location)) await installBeside(context, beside);
  warnIfIdle(context, repository, location);
  return { method, file, installed: true };
}

/**
 * Takes all hooks out of every place where they were ever installed, and the merge driver out of git's configuration; each file is then, byte for byte, what it was before.
 * @throws VaultError as {@link installHook}
 */
export async function uninstallHook(caller: Context, cwd: string, options: Pick<InstallOptions, "gitVersion"> = {}): Promise<HookResult> {
  const context = outsideHooks(caller);
  const repository = await findHookFolders(context, cwd);
  const { method, file } = await currentLocation(context, repository, options.gitVersion);
  // From before the repository had a hook manager.
  const former = fileLocation(context, "git-hooks", join(repository.commonFolder, "hooks", "pre-commit"), false);
  for (const location of [...hookLocations(context, repository), former, ...allLocationsBeside(context, repository)]) {
    try {
      await location.uninstall();
    } catch (error) {
      throw writeError(error, location.file);
    }
  }
  await unregisterDriver(context, repository.root);
  for (const key of [INSTALLED_KEY, COMMAND_KEY]) await unsetConfig(context, repository.root, ["--unset-all", key]);
  return { method, file, installed: false };
}

/**
 * Where the check is installed, or where it would be.
 * @throws VaultError `REPOSITORY_NOT_FOUND`, `GIT_MISSING`, `GIT_FAILED`
 */
export async function hookStatus(caller: Context, cwd: string, options: Pick<InstallOptions, "gitVersion"> = {}): Promise<HookResult> {
  const context = outsideHooks(caller);
  const repository = await findHookFolders(context, cwd);
  const location = await currentLocation(context, repository, options.gitVersion);
  return { method: location.method, file: location.file, installed: await location.isInstalled() };
}

/**
 * Where a hook that was installed in this clone no longer runs, as after a hook manager was set up: where it would have to be.
 * @returns `undefined` where it runs, and where it was never installed
 * @throws VaultError as {@link hookStatus}
 */
export async function hookTurnedOff(caller: Context, cwd: string): Promise<HookResult | undefined> {
  const { exit } = await runGit(outsideHooks(caller), cwd, ["config", "--local", "--get", INSTALLED_KEY]);
  if (exit !== 0) return undefined;
  const status = await hookStatus(caller, cwd);
  return status.installed ? undefined : status;
}

/**
 * Whether git merges the vault's files in a repository by the merge driver.
 * @throws VaultError as {@link hookStatus}
 */
export async function mergeDriverStatus(caller: Context, cwd: string): Promise<MergeDriverStatus> {
  const context = outsideHooks(caller);
  return driverStatus(context, (await findHookFolders(context, cwd)).root);
}

async function installBeside(context: Context, location: HookLocation): Promise<void> {
  try {
    await location.install();
  } catch (error) {
    const failure = writeError(error, location.file);
    if (!(failure instanceof VaultError)) throw failure;
    context.warn(`The ${basename(location.file)} hook was not installed. ${failure.message}`);
  }
}

/** A hook manager that is configured but was never set up in this clone runs nothing. */
function warnIfIdle(context: Context, { hooksFolder }: HookFolders, { method }: HookLocation): void {
  if (method !== "husky" && method !== "lefthook" && method !== "pre-commit") return;
  let hook = "";
  try {
    hook = readFileSync(join(hooksFolder, "pre-commit"), "latin1");
  } catch (error) {
    if (!isSystemError(error, "ENOENT", "ENOTDIR")) throw error;
  }
  const isSetUp = method === "husky" ? hook !== "" : hook.includes(method);
  if (!isSetUp)
    context.warn(`${method} is configured here but not set up in this work tree, so the check does not run yet: run ${SET_UP[method]}.`);
}

const SET_UP = { husky: "npx husky", lefthook: "lefthook install", "pre-commit": "pre-commit install" };
