/**
 * What may stand in a place of the command line. `names` are words that only the person knows, such as a new name or a value;
 * `targets` are groups and secrets.
 */
export type Kind = "agents" | "owners" | "groups" | "targets" | "secrets" | "files" | "folders" | "shells" | "names";

/** What each argument of each command takes. A test compares this with the commands. */
export const ARGUMENTS: Readonly<Record<string, Readonly<Record<string, Kind>>>> = {
  "add-agent": { agent: "names" },
  "add-owner": { owner: "names" },
  check: {},
  completions: { shell: "shells" },
  delete: { path: "secrets" },
  get: { path: "secrets" },
  grant: { agent: "agents", target: "targets" },
  "hook install": {},
  "hook status": {},
  "hook uninstall": {},
  init: { dir: "folders" },
  lease: { path: "secrets" },
  leases: {},
  list: {},
  "list-agents": {},
  "list-owners": {},
  move: { from: "secrets", to: "names" },
  "owner allowed-signers": {},
  "owner keys": {},
  peek: { path: "secrets" },
  "policy check": { file: "files" },
  "policy explain": {},
  "policy init": {},
  "profile list": {},
  "profile show": { profile: "names" },
  "recover-agent": { agent: "agents" },
  "remove-agent": { agent: "agents" },
  "remove-owner": { owner: "owners" },
  "restore-agent": { agent: "agents" },
  revoke: { agent: "agents", target: "targets" },
  "revoke-all": {},
  "rotate-owner": {},
  scan: { path: "files" },
  "session end": { session: "names" },
  "session info": {},
  "session start": {},
  set: { path: "secrets", value: "names" },
  sign: {},
  sync: {},
  "token attenuate": { token: "names" },
  "token inspect": { token: "names" },
  "token list": {},
  "token mint": {},
  "token revoke": { token: "names" },
  "token verify": { token: "names" },
  verify: {},
};

/** What the value of a flag is, by the flag's name or by what help calls its value. Other values are `names`. */
export const FLAG_VALUES: Readonly<Record<string, Kind>> = {
  agent: "agents",
  agents: "agents",
  secret: "secrets",
  group: "groups",
  "remove-group": "groups",
  FILE: "files",
  DIR: "folders",
};
