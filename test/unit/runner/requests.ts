import { NO_COMMAND, parsePolicy, type Door, type Policy, type RequestedSecret, type UseRequest } from "#runner/index.js";

export interface Use {
  readonly action?: UseRequest["action"];
  readonly secrets?: readonly string[];
  /** The principal's name, `owner:NAME` for an owner; `undefined` for a key that nobody knows. */
  readonly agent?: string | undefined;
  readonly user?: string | undefined;
  readonly repository?: string | undefined;
  readonly branch?: string | undefined;
  readonly environment?: string | undefined;
  readonly access?: string | undefined;
  readonly service?: string | undefined;
  readonly harness?: string | undefined;
  readonly command?: readonly string[];
  readonly door?: Door;
  readonly byToken?: boolean;
  /** Names of plain variables. */
  readonly env?: readonly string[];
}

/** A request: an ordinary use, but for what is said. */
export function use(given: Use = {}): UseRequest {
  const {
    action = "run",
    secrets = ["stripe/api-key"],
    agent,
    user,
    repository,
    branch,
    environment,
    access,
    service,
    harness,
    command = ["npm", "test"],
    door = "cli",
    byToken = false,
    env = [],
  } = { agent: "billing", user: "eric", repository: "https://github.com/acme/shop.git", branch: "main", ...given };
  const owner = agent === undefined ? undefined : /^owner:(.*)$/.exec(agent)?.[1];
  const role = agent === undefined ? "unknown" : owner === undefined ? "agent" : "owner";
  return {
    ...NO_COMMAND,
    action,
    door,
    byToken,
    variables: env.map((name) => ({ name, holds: "text", value: "x" })),
    secrets: secrets.map((secret): RequestedSecret => ({ secret, groups: [], environment, provider: undefined, access, tags: [] })),
    principal: { role, name: owner ?? agent, identity: "age1" },
    invocation: { user, harness, folder: "/work", repository, branch },
    command: action === "run" ? command : undefined,
    reason: undefined,
    service,
  };
}

/** A policy of rules as they stand in the file, below `rules:`. */
export function policy(rules: string, version = 1): Policy {
  return parsePolicy(new TextEncoder().encode(`version: ${version}\nrules:\n${rules}`), "policy.yaml");
}
