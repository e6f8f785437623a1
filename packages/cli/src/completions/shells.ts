import { BASH_SCRIPT } from "./bash.js";
import { FISH_SCRIPT } from "./fish.js";
import { POWERSHELL_SCRIPT } from "./powershell.js";
import { ZSH_SCRIPT } from "./zsh.js";

/** The shells that can complete agent-vault. */
export const SHELLS = ["bash", "zsh", "fish", "powershell"] as const;

/** A shell that a completion script can be printed for. */
export type Shell = (typeof SHELLS)[number];

/** The script that a shell runs to complete agent-vault. */
export const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: BASH_SCRIPT,
  zsh: ZSH_SCRIPT,
  fish: FISH_SCRIPT,
  powershell: POWERSHELL_SCRIPT,
};

/** Whether there is a completion script for a shell of this name. */
export function isShell(name: string): name is Shell {
  return (SHELLS as readonly string[]).includes(name);
}
