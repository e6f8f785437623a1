import { Flags } from "@oclif/core";
import { keyFlag, noPullFlag, tokenFlag } from "../vault-command.js";

/** What `run` and `profile exec` have in common. */
export const runFlags = {
  key: keyFlag,
  token: tokenFlag,
  "no-pull": noPullFlag,
  secret: Flags.string({
    description: "a secret, and the variable that it goes to",
    helpValue: "PATH[=NAME]",
    multiple: true,
    multipleNonGreedy: true,
  }),
  inject: Flags.string({ description: "the same the other way round", helpValue: "NAME=PATH", multiple: true, multipleNonGreedy: true }),
  group: Flags.string({ description: "all secrets of a group, each in the variable of its name", multiple: true, multipleNonGreedy: true }),
  "env-file": Flags.string({
    description: "a file of variables, with vault://group/name where secrets go",
    helpValue: "FILE",
    multiple: true,
    multipleNonGreedy: true,
  }),
  file: Flags.string({
    description: "a secret as a file in memory, whose path goes to a variable",
    helpValue: "NAME=PATH",
    multiple: true,
    multipleNonGreedy: true,
  }),
  shell: Flags.boolean({ description: "run the words as one line of your shell" }),
  cwd: Flags.string({ description: "run it in this folder", helpValue: "DIR" }),
  timeout: Flags.string({ description: "end it after this time, such as 30s or 10m", helpValue: "TIME" }),
  "clean-env": Flags.boolean({ description: "pass on a short list of variables beside the secrets" }),
  tty: Flags.boolean({ description: "hand over your terminal as it is: nothing is scrubbed" }),
  "allow-short": Flags.boolean({ description: "take values under 8 bytes too, which are scrubbed as they are and in no encoding" }),
  reason: Flags.string({ description: "what it is for: shown to who is asked, and recorded", helpValue: "TEXT" }),
  service: Flags.string({ description: "the service that this is, for the policy", helpValue: "NAME" }),
};
