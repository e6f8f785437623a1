/** The headings under which `agent-vault --help` lists the commands, in this order. */
export const HELP_GROUPS = {
  start: "START HERE",
  secrets: "SECRETS",
  agents: "AGENTS",
  owners: "OWNERS",
  checks: "CHECK AND SIGN",
  audit: "AUDIT LOG",
  limits: "POLICIES, TOKENS AND SESSIONS",
  git: "GIT",
  setup: "INTEGRATIONS",
} as const;

/** One of the groups, as a command names its own. */
export type HelpGroup = keyof typeof HELP_GROUPS;
