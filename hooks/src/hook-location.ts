import { basename, join } from "node:path";
import type { Context } from "@agent-vault/vault/read-only";
import { isGitError } from "@agent-vault/vault/git";
import { git, gitError, runGit } from "./git.js";
import type { HookFolders } from "./hook-folders.js";
import { installInFile, isInstalledInFile, type Runner, uninstallFromFile } from "./hook-file.js";
import { finishMerge, noteOrStop, notePush, scan, scriptBlock, type HookEvent } from "./hook-script.js";
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

/** Where the check can be installed. */
export interface HookLocation {
  readonly method: HookMethod;
  readonly file: string;
  /** What a person adds to `file` by hand where `install` writes nothing. */
  readonly manual: string;
  isInstalled(): Promise<boolean>;
  /** @returns `false`, with nothing written, where it has to be done by hand */
  install(): Promise<boolean>;
  uninstall(): Promise<void>;
}

/** The clone's configuration, for git 2.54 and later. */
export function configurationLocation(context: Context, repository: HookFolders, event: HookEvent): HookLocation {
  const { root, commonFolder } = repository;
  const section = SECTIONS[event];
  const set = (key: string, value: string) => setConfig(context, root, `${section}.${key}`, value);
  return {
    method: "git-config",
    file: join(commonFolder, "config"),
    manual: "",
    isInstalled: async () => (await runGit(context, root, ["config", "--local", "--get", `${section}.command`])).exit === 0,
    install: async () => {
      await set("command", commandOf(event));
      await set("event", event);
      return true;
    },
    uninstall: () => unsetConfig(context, repository.root, ["--remove-section", section]),
  };
}

const SECTIONS: Readonly<Record<HookEvent, string>> = {
  "pre-commit": "hook.agent-vault",
  "pre-merge-commit": "hook.agent-vault-merge-check",
  "pre-push": "hook.agent-vault-push",
  "post-merge": "hook.agent-vault-merge",
  "post-rewrite": "hook.agent-vault-rewrite",
};

/** git adds the hook's arguments at its end. */
function commandOf(event: HookEvent): string {
  if (event === "pre-commit" || event === "pre-merge-commit") return scan(false).join("; ");
  if (event === "pre-push") return `${noteOrStop(notePush(false).join("; "))}; :`;
  return `(${finishMerge(event, false).join("; ")}) </dev/null || :; :`;
}

/** Sets a value of the clone's configuration, in place of those that are there. */
export async function setConfig(context: Context, root: string, key: string, value: string): Promise<void> {
  await git(context, root, ["config", "--local", "--replace-all", key, value]);
}

/** Unsets a part of the clone's configuration. `git config` exits with 5 or 128 where there is nothing to unset, as there is after an uninstall. */
export async function unsetConfig(context: Context, root: string, args: readonly string[]): Promise<void> {
  const command = ["config", "--local", ...args];
  const output = await runGit(context, root, command);
  if (output.exit === 0 || output.exit === 5) return;
  const error = gitError(root, command, output);
  if (!isGitError(error, "noSuchSection")) throw error;
}

/** A hook file, whose name is its event's. @param tracked whether the file comes with the repository */
export function fileLocation(context: Context, method: "husky" | "hooks-path" | "git-hooks", file: string, tracked: boolean): HookLocation {
  const event = basename(file) as HookEvent;
  const runner: Runner = method === "husky" ? "husky" : "git";
  return {
    method,
    file,
    manual: "",
    // pre-commit (the program) keeps the hook that it found, and runs it still.
    isInstalled: async () => isInstalledInFile(file, runner) || (runner === "git" && isInstalledInFile(`${file}.legacy`, "git")),
    install: async () => {
      installInFile(file, runner, tracked, event);
      return true;
    },
    uninstall: async () => uninstallFromFile(context, file),
  };
}

/** The configuration of a hook manager. */
export function managerLocation(manager: Manager, file: string): HookLocation {
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

/** A hook file outside of the repository, which nothing is written to. */
export function outsideLocation(file: string): HookLocation {
  return {
    method: "outside",
    file,
    manual: `${scriptBlock("pre-commit", false).join("\n")}\n`,
    isInstalled: async () => isInstalledInFile(file, "git"),
    install: async () => false,
    uninstall: async () => {},
  };
}
