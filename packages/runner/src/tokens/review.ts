import type { KnownNames } from "../policy/review.js";
import type { UseRequest } from "../policy/use-request.js";
import { readCaveat, type Restrictions } from "./caveats.js";

/** What in the restrictions of a token matches nothing in a vault, a sentence each: most likely a mistake. */
export function reviewRestrictions({ secret = [], group = [], agent = [] }: Restrictions, known: KnownNames): string[] {
  const ofSecrets = known.secrets.map((one): Partial<UseRequest> => ({ secrets: [one] }));
  const ofReaders = [...known.agents.map((name) => ["agent", name] as const), ...known.owners.map((name) => ["owner", name] as const)].map(
    ([role, name]): Partial<UseRequest> => ({ principal: { role, name, identity: "" } }),
  );
  const unmatched = (kind: string, patterns: readonly string[], uses: readonly Partial<UseRequest>[]) =>
    patterns.filter((pattern) => {
      const caveat = readCaveat(`${kind} = ${pattern}`);
      return caveat && !uses.some((use) => caveat.allows(use as UseRequest));
    });
  return [
    ...unmatched("secret", secret, ofSecrets).map((pattern) => `No secret of this vault matches ${pattern}.`),
    ...unmatched("group", group, ofSecrets).map((pattern) => `No secret of this vault is in group ${pattern}.`),
    ...unmatched("agent", agent, ofReaders).map((pattern) => `No agent of this vault is called ${pattern}.`),
  ];
}
