import type { FlagDefinitions } from "./flag-definition.js";

/** The flags of every command. */
export const GLOBAL_FLAGS = {
  directory: {
    type: "string",
    short: "C",
    multiple: true,
    description: "run as if started in DIR; for commands that read, also a repository's URL, with #REF behind it",
    helpValue: "DIR",
    helpGroup: "GLOBAL",
  },
  json: { type: "boolean", description: "print JSON", helpGroup: "GLOBAL" },
  "passphrase-fd": {
    type: "string",
    description: "read the passphrase of a protected key from this file descriptor",
    helpValue: "N",
    helpGroup: "GLOBAL",
  },
} as const satisfies FlagDefinitions;

/** The flags of the commands that read secrets. */
export const READ_FLAGS = {
  key: { type: "string", description: "use this key file instead of AGENT_VAULT_KEY and those in ~/.agent-vault", helpValue: "FILE" },
  token: {
    type: "string",
    description: "act with this token only; prefer AGENT_VAULT_TOKEN, since other programs can see flags",
    helpValue: "TOKEN",
  },
  "no-pull": { type: "boolean", description: "read only what is checked out, without asking the remote" },
} as const satisfies FlagDefinitions;
