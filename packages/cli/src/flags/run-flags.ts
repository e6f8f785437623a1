import type { FlagDefinitions } from "./flag-definition.js";
import { GLOBAL_FLAGS, READ_FLAGS } from "./global-flags.js";

/** The flags of every use of secrets, which a policy or a person may decide on. */
export const USE_FLAGS = {
  reason: { type: "string", description: "why you need it; shown when approval is asked for, and recorded", helpValue: "TEXT" },
  service: { type: "string", description: "the name of the calling service, for the policy", helpValue: "NAME" },
} as const satisfies FlagDefinitions;

/** The flags that `run` and `profile exec` have in common. */
export const EXEC_FLAGS = {
  ...READ_FLAGS,
  agent: { type: "string", description: "act as this agent, with its key on this machine", helpValue: "NAME" },
  secret: {
    type: "string",
    multiple: true,
    description: "set a variable to a secret; without NAME, stripe/api-key sets STRIPE_API_KEY",
    helpValue: "PATH[=NAME]",
  },
  inject: { type: "string", multiple: true, description: "like --secret, with the variable first", helpValue: "NAME=PATH" },
  group: { type: "string", multiple: true, description: "set a variable for every secret of a group", helpValue: "GROUP" },
  names: {
    type: "string",
    description: "last: name variables by the last part of a secret's path, so app/API_KEY sets API_KEY",
    helpValue: "last",
  },
  "env-file": {
    type: "string",
    multiple: true,
    description: "set the variables of this file; vault://group/name is replaced by a secret",
    helpValue: "FILE",
  },
  file: {
    type: "string",
    multiple: true,
    description: "set a variable to the path of an in-memory file with a secret",
    helpValue: "NAME=PATH",
  },
  shell: { type: "boolean", description: "run the command in your shell" },
  cwd: { type: "string", description: "run the command in this folder", helpValue: "DIR" },
  timeout: { type: "string", description: "end the command after this time, such as 30s or 10m", helpValue: "TIME" },
  "clean-env": { type: "boolean", description: "pass on only the secrets and a short list of variables" },
  tty: { type: "boolean", description: "connect the command to your terminal; its output is not scrubbed" },
  "no-tty": { type: "boolean", description: "give the command pipes, not a terminal, even where you are at one" },
  "allow-short": { type: "boolean", description: "allow values under 8 bytes, which are scrubbed only as they are, not in encodings" },
  ...USE_FLAGS,
  json: { ...GLOBAL_FLAGS.json, description: "print errors as JSON" },
} as const satisfies FlagDefinitions;

/** The flags of `run`. */
export const RUN_FLAGS = {
  ...EXEC_FLAGS,
  profile: { type: "string", description: "use the secrets and variables of this profile", helpValue: "NAME" },
} as const satisfies FlagDefinitions;
