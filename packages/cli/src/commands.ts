import type { VaultCommand } from "./vault-command.js";

/** Every command by its words; each is loaded when it is called, and not before. */
export const COMMANDS: Readonly<Record<string, () => Promise<{ default: typeof VaultCommand }>>> = {
  "add-agent": () => import("./commands/add-agent.js"),
  check: () => import("./commands/check.js"),
  completions: () => import("./commands/completions.js"),
  delete: () => import("./commands/delete.js"),
  get: () => import("./commands/get.js"),
  grant: () => import("./commands/grant.js"),
  "hook install": () => import("./commands/hook/install.js"),
  "hook status": () => import("./commands/hook/status.js"),
  "hook uninstall": () => import("./commands/hook/uninstall.js"),
  init: () => import("./commands/init.js"),
  list: () => import("./commands/list.js"),
  "list-agents": () => import("./commands/list-agents.js"),
  move: () => import("./commands/move.js"),
  peek: () => import("./commands/peek.js"),
  "recover-agent": () => import("./commands/recover-agent.js"),
  "remove-agent": () => import("./commands/remove-agent.js"),
  "restore-agent": () => import("./commands/restore-agent.js"),
  revoke: () => import("./commands/revoke.js"),
  scan: () => import("./commands/scan.js"),
  set: () => import("./commands/set.js"),
};
