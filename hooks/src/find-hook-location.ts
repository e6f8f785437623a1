import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Context } from "@agent-vault/vault/read-only";
import { git } from "./git.js";
import { type HookFolders, isBelow, line, withoutLinks } from "./hook-folders.js";
import { configurationLocation, fileLocation, type HookLocation, managerLocation, outsideLocation } from "./hook-location.js";

/** Where the check is installed and in effect, else the first place that is fit for it. @param version git's; asked of git unless given */
export async function currentLocation(context: Context, repository: HookFolders, version: string | undefined): Promise<HookLocation> {
  const byConfiguration = hasConfigurationHooks(version ?? (await gitVersion(context, repository)));
  const fit = hookLocations(context, repository).filter(({ method }) => method !== "git-config" || byConfiguration);
  for (const location of fit) {
    if (await location.isInstalled()) return location;
  }
  return fit[0]!;
}

/** Every place of a repository where the check can be, in the order of preference. */
export function hookLocations(context: Context, repository: HookFolders): HookLocation[] {
  const { root, commonFolder, hooksFolder } = repository;
  const list = [configurationLocation(context, repository, "pre-commit")];
  const isHusky = basename(hooksFolder) === "_" && isBelow(root, hooksFolder);
  if (isHusky) list.push(fileLocation(context, "husky", join(dirname(hooksFolder), "pre-commit"), true));
  const lefthook = firstFile(root, LEFTHOOK_FILES);
  if (lefthook !== undefined) list.push(managerLocation("lefthook", lefthook));
  const preCommit = firstFile(root, PRE_COMMIT_FILES);
  if (preCommit !== undefined) list.push(managerLocation("pre-commit", preCommit));
  const file = join(hooksFolder, "pre-commit");
  if (!isHusky) {
    const isOwn = withoutLinks(hooksFolder) === withoutLinks(join(commonFolder, "hooks"));
    if (isOwn) list.push(fileLocation(context, "git-hooks", file, false));
    else if (isBelow(commonFolder, hooksFolder)) list.push(fileLocation(context, "hooks-path", file, false));
    else if (isBelow(root, hooksFolder)) list.push(fileLocation(context, "hooks-path", file, true));
    else list.push(outsideLocation(file));
  }
  return list;
}

/** The hooks beside the check. */
const EVENTS_BESIDE = ["pre-merge-commit", "pre-push", "post-merge", "post-rewrite"] as const;

/**
 * Where the hooks beside the check are in effect, with the check's place given: beside it where that is git's configuration or husky, else in
 * git's own folder of hooks, where a hook manager has its own as well; none where that lies outside the repository.
 */
export function locationsBeside(context: Context, repository: HookFolders, check: HookLocation): HookLocation[] {
  return EVENTS_BESIDE.flatMap((event) => locationBeside(context, repository, check, event) ?? []);
}

function locationBeside(
  context: Context,
  repository: HookFolders,
  check: HookLocation,
  event: (typeof EVENTS_BESIDE)[number],
): HookLocation | undefined {
  if (check.method === "git-config") return configurationLocation(context, repository, event);
  if (check.method === "husky") return fileLocation(context, "husky", join(dirname(check.file), event), true);
  const { root, commonFolder, hooksFolder } = repository;
  const file = join(hooksFolder, event);
  const isOwn = withoutLinks(hooksFolder) === withoutLinks(join(commonFolder, "hooks"));
  if (isOwn || isBelow(commonFolder, hooksFolder)) return fileLocation(context, isOwn ? "git-hooks" : "hooks-path", file, false);
  return isBelow(root, hooksFolder) ? fileLocation(context, "hooks-path", file, true) : undefined;
}

/** Every place where they can be, and those of them from before the repository had a hook manager. */
export function allLocationsBeside(context: Context, repository: HookFolders): HookLocation[] {
  const former = EVENTS_BESIDE.map((event) => fileLocation(context, "git-hooks", join(repository.commonFolder, "hooks", event), false));
  return [...hookLocations(context, repository).flatMap((check) => locationsBeside(context, repository, check)), ...former];
}

const LEFTHOOK_FILES = ["", ".", ".config/"].flatMap((prefix) =>
  ["yml", "yaml", "toml", "json", "jsonc"].map((ending) => `${prefix}lefthook.${ending}`),
);
const PRE_COMMIT_FILES = [".pre-commit-config.yaml"];

function firstFile(root: string, names: readonly string[]): string | undefined {
  return names.map((name) => join(root, name)).find((file) => existsSync(file));
}

/** git 2.54 is the first that runs hooks of its configuration. */
function hasConfigurationHooks(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 2 || (major === 2 && minor >= 54);
}

async function gitVersion(context: Context, { root }: HookFolders): Promise<string> {
  return /\d+\.\d+[.\d]*/.exec(line(await git(context, root, ["version"])))?.[0] ?? "";
}
