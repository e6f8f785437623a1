import { NO_COMMAND, type RequestedSecret, type UseRequest } from "#runner/index.js";

/** A secret as it is asked for. */
export function requested(secret: string, groups: readonly string[] = [secret.split("/")[0]!], environment?: string): RequestedSecret {
  return { secret, groups, environment, provider: undefined, access: undefined, tags: [] };
}

/** What an agent at work asks for: `npm run deploy` with one secret, on a branch of github.com/acme/shop. */
export function useRequest(changes: Partial<UseRequest> = {}): UseRequest {
  return {
    ...NO_COMMAND,
    action: "run",
    door: "cli",
    byToken: false,
    secrets: [requested("stripe/api-key", ["stripe", "shop"], "production")],
    principal: { role: "agent", name: "bot", identity: "age1bot" },
    invocation: {
      user: "eric",
      harness: undefined,
      folder: "/work",
      repository: "git@github.com:acme/shop.git",
      branch: "feature/tokens",
    },
    command: ["npm", "run", "deploy"],
    reason: undefined,
    service: undefined,
    ...changes,
  };
}
