import { Args, Flags } from "@oclif/core";
import { GLOBAL_FLAGS, READ_FLAGS } from "./global-flags.js";
import { oclifFlags } from "./oclif-flags.js";

/** An argument. It is never read from standard input, as oclif would on its own. */
export const argument = Args.custom({ ignoreStdin: true });

/** The path of a secret that a command is about. */
export const secretArgument = argument({ description: "the secret, as group/name", required: true });
/** The name of an agent that a command is about. */
export const agentArgument = argument({ description: "the agent's name", required: true });

/** The flags of every command. */
export const globalFlags = oclifFlags(GLOBAL_FLAGS);

/** Flags that many commands have. */
export const { key: keyFlag, token: tokenFlag, "no-pull": noPullFlag } = oclifFlags(READ_FLAGS);
/** The flag of every change of the vault. */
export const dryRunFlag = Flags.boolean({ description: "show what would change, and change nothing" });
