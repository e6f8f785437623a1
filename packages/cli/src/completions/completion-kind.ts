/**
 * What completes an argument or a flag's value; `targets` are groups and secrets. An argument or flag without a kind takes a word that only
 * the person knows, such as a new name, so nothing is offered for it.
 */
export type CompletionKind = "agents" | "owners" | "groups" | "targets" | "secrets" | "files" | "folders" | "shells";

/** What completes the value of a flag, by the flag's name or by what help calls its value. */
export const FLAG_VALUES: Readonly<Record<string, CompletionKind>> = {
  agent: "agents",
  agents: "agents",
  secret: "secrets",
  group: "groups",
  groups: "groups",
  "remove-group": "groups",
  FILE: "files",
  DIR: "folders",
};
