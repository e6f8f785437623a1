import { existsSync, readFileSync, realpathSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { isGitError } from "@agent-vault/vault/git";
import { type Context, isSystemError, writeError, shellQuote } from "@agent-vault/vault/read-only";
import { git, gitError, runGit } from "./git.js";
import { installInFile, isInstalledInFile, type Runner, uninstallFromFile } from "./hook-file.js";
import { COMMAND_KEY, scan, scriptBlock } from "./hook-script.js";
import { installInYaml, isInstalledInYaml, type Manager, manualJob, uninstallFromYaml } from "./hook-yaml.js";

/**
 * How the check gets into a repository, in this order of preference:
 * - `git-config`: `hook.agent-vault.command` in the clone's configuration, for git 2.54 and later
 * - `husky`: a marked block in husky's tracked hook
 * - `lefthook`, `pre-commit`: a job in their YAML
 * - `hooks-path`: a marked block in the hook of a `core.hooksPath` inside the repository
 * - `git-hooks`: a marked block in `.git/hooks/pre-commit`
 * - `outside`: `core.hooksPath` lies outside the repository, where nothing is written
 */
export type HookMethod = "git-config" | "husky" | "lefthook" | "pre-commit" | "hooks-path" | "git-hooks" | "outside";

export interface HookResult {
  readonly method: HookMethod;
  /** Absolute path of the file that holds the hook, or would. */
  readonly file: string;
  readonly installed: boolean;
  /** Where nothing was written: what the person adds to `file` by hand. */
  readonly manual?: string;
}

export interface InstallOptions {
  /** How to start agent-vault: absolute paths of node and of the program. Without them, the hook looks on the PATH. */
  readonly command: readonly string[];
  /** git's version, `2.54.0`; asked of git unless given. */
  readonly gitVersion?: string;
}

/**
 * Installs the pre-commit check. Where it is installed already, it is brought up to date.
 * @throws VaultError `REPOSITORY_NOT_FOUND`, `GIT_MISSING`, `GIT_FAILED`, `UNWRITABLE`, `DISK_FULL`, `ALREADY_EXISTS`
 */
export async function installHook(context: Context, cwd: string, options: InstallOptions): Promise<HookResult> {
  const repository = await findRepository(context, cwd);
  const place = await currentPlace(context, repository, options.gitVersion);
  const { method, file } = place;
  try {
    if (!(await place.install())) return { method, file, installed: false, manual: place.manual };
  } catch (error) {
    throw writeError(error, file);
  }
  await git(context, repository.root, ["config", "--local", "--replace-all", COMMAND_KEY, options.command.map(shellQuote).join(" ")]);
  warnIfIdle(context, repository, place);
  return { method, file, installed: true };
}

/**
 * Takes the check out of every place where it was ever installed; each file is then, byte for byte, what it was before.
 * @throws VaultError as {@link installHook}
 */
export async function uninstallHook(context: Context, cwd: string, options: Pick<InstallOptions, "gitVersion"> = {}): Promise<HookResult> {
  const repository = await findRepository(context, cwd);
  const { method, file } = await currentPlace(context, repository, options.gitVersion);
  // The last one: what was installed before the repository took up a hook manager.
  const leftOver = filePlace(context, "git-hooks", join(repository.commonFolder, "hooks", "pre-commit"), false);
  for (const place of [...places(context, repository), leftOver]) {
    try {
      await place.uninstall();
    } catch (error) {
      throw writeError(error, place.file);
    }
  }
  await unsetConfig(context, repository, ["--unset-all", COMMAND_KEY]);
  return { method, file, installed: false };
}

/**
 * Where the check is installed, or where it would be.
 * @throws VaultError `REPOSITORY_NOT_FOUND`, `GIT_MISSING`, `GIT_FAILED`
 */
export async function hookStatus(context: Context, cwd: string, options: Pick<InstallOptions, "gitVersion"> = {}): Promise<HookResult> {
  const repository = await findRepository(context, cwd);
  const place = await currentPlace(context, repository, options.gitVersion);
  return { method: place.method, file: place.file, installed: await place.isInstalled() };
}

interface Repository {
  readonly root: string;
  /** The `.git` folder that all linked work trees share. */
  readonly commonFolder: string;
  /** Where git looks for hooks. */
  readonly hooksFolder: string;
}

async function findRepository(context: Context, cwd: string): Promise<Repository> {
  const root = resolve(cwd, line(await git(context, cwd, ["rev-parse", "--show-toplevel"])));
  const [common, hook] = line(await git(context, root, ["rev-parse", "--git-common-dir", "--git-path", "hooks/pre-commit"])).split(/\r?\n/);
  return { root, commonFolder: resolve(root, common!), hooksFolder: dirname(resolve(root, hook!)) };
}

function line(output: Buffer): string {
  return output.toString("utf8").replace(/\r?\n$/, "");
}

/** A place that a hook can be put into. */
interface Place {
  readonly method: HookMethod;
  readonly file: string;
  readonly manual: string;
  isInstalled(): Promise<boolean>;
  /** False, with nothing written, where it has to be done by hand. */
  install(): Promise<boolean>;
  uninstall(): Promise<void>;
}

/** The place where the check is installed and in effect, else the first that is fit for it. */
async function currentPlace(context: Context, repository: Repository, version: string | undefined): Promise<Place> {
  const byConfiguration = hasConfigurationHooks(version ?? (await gitVersion(context, repository)));
  const fit = places(context, repository).filter(({ method }) => method !== "git-config" || byConfiguration);
  for (const place of fit) {
    if (await place.isInstalled()) return place;
  }
  return fit[0]!;
}

/** All places of a repository, in the order of preference. */
function places(context: Context, repository: Repository): Place[] {
  const { root, commonFolder, hooksFolder } = repository;
  const list = [configurationPlace(context, repository)];
  const isHusky = basename(hooksFolder) === "_" && isBelow(root, hooksFolder);
  if (isHusky) list.push(filePlace(context, "husky", join(dirname(hooksFolder), "pre-commit"), true));
  const lefthook = firstFile(root, LEFTHOOK_FILES);
  if (lefthook !== undefined) list.push(managerPlace("lefthook", lefthook));
  const preCommit = firstFile(root, PRE_COMMIT_FILES);
  if (preCommit !== undefined) list.push(managerPlace("pre-commit", preCommit));
  const file = join(hooksFolder, "pre-commit");
  if (!isHusky) {
    const isOwn = withoutLinks(hooksFolder) === withoutLinks(join(commonFolder, "hooks"));
    if (isOwn) list.push(filePlace(context, "git-hooks", file, false));
    else if (isBelow(commonFolder, hooksFolder)) list.push(filePlace(context, "hooks-path", file, false));
    else if (isBelow(root, hooksFolder)) list.push(filePlace(context, "hooks-path", file, true));
    else list.push(outsidePlace(file));
  }
  return list;
}

const LEFTHOOK_FILES = ["", ".", ".config/"].flatMap((prefix) =>
  ["yml", "yaml", "toml", "json", "jsonc"].map((ending) => `${prefix}lefthook.${ending}`),
);
const PRE_COMMIT_FILES = [".pre-commit-config.yaml"];

function firstFile(root: string, names: readonly string[]): string | undefined {
  return names.map((name) => join(root, name)).find((file) => existsSync(file));
}

function configurationPlace(context: Context, repository: Repository): Place {
  const { root, commonFolder } = repository;
  const set = (key: string, value: string): Promise<Buffer> =>
    git(context, root, ["config", "--local", "--replace-all", `${CONFIG_SECTION}.${key}`, value]);
  return {
    method: "git-config",
    file: join(commonFolder, "config"),
    manual: "",
    isInstalled: async () => (await runGit(context, root, ["config", "--local", "--get", `${CONFIG_SECTION}.command`])).exit === 0,
    install: async () => {
      await set("command", scan(false).join("; "));
      await set("event", "pre-commit");
      return true;
    },
    uninstall: () => unsetConfig(context, repository, ["--remove-section", CONFIG_SECTION]),
  };
}

const CONFIG_SECTION = "hook.agent-vault";

/** `git config` says 5 or 128 where there is nothing to unset, as there is after an uninstall. */
async function unsetConfig(context: Context, { root }: Repository, args: readonly string[]): Promise<void> {
  const command = ["config", "--local", ...args];
  const output = await runGit(context, root, command);
  if (output.exit === 0 || output.exit === 5) return;
  const error = gitError(root, command, output);
  if (!isGitError(error, "noSuchSection")) throw error;
}

function filePlace(context: Context, method: "husky" | "hooks-path" | "git-hooks", file: string, tracked: boolean): Place {
  const runner: Runner = method === "husky" ? "husky" : "git";
  return {
    method,
    file,
    manual: "",
    isInstalled: async () => isInstalledInFile(file, runner),
    install: async () => {
      installInFile(file, runner, tracked);
      return true;
    },
    uninstall: async () => uninstallFromFile(context, file),
  };
}

function managerPlace(manager: Manager, file: string): Place {
  const isYaml = /\.ya?ml$/.test(file);
  return {
    method: manager,
    file,
    manual: manualJob(manager, file),
    isInstalled: async () => isYaml && isInstalledInYaml(file),
    install: async () => isYaml && installInYaml(manager, file),
    uninstall: async () => {
      if (isYaml) uninstallFromYaml(file);
    },
  };
}

function outsidePlace(file: string): Place {
  return {
    method: "outside",
    file,
    manual: `${scriptBlock(false).join("\n")}\n`,
    isInstalled: async () => isInstalledInFile(file, "git"),
    install: async () => false,
    uninstall: async () => {},
  };
}

/** A hook manager whose configuration is there, but which was never set up in this clone, runs nothing. */
function warnIfIdle(context: Context, { hooksFolder }: Repository, { method }: Place): void {
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

/** git 2.54 is the first that runs hooks of its configuration. */
function hasConfigurationHooks(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 2 || (major === 2 && minor >= 54);
}

async function gitVersion(context: Context, { root }: Repository): Promise<string> {
  return /\d+\.\d+[.\d]*/.exec(line(await git(context, root, ["version"])))?.[0] ?? "";
}

function isBelow(folder: string, path: string): boolean {
  const way = relative(withoutLinks(folder), withoutLinks(path));
  return way !== "" && way !== ".." && !/^\.\.[/\\]/.test(way) && resolve(way) !== way;
}

/** The path with every link in it resolved, as far as it exists. */
function withoutLinks(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (!isSystemError(error, "ENOENT", "ENOTDIR") || dirname(path) === path) throw error;
    return join(withoutLinks(dirname(path)), basename(path));
  }
}
