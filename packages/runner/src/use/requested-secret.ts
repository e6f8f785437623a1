import type { SecretEntry } from "@agent-vault/vault";
import type { RequestedSecret } from "./use-request.js";

/** A secret of a vault, as policy judges it. */
export function requestedSecret({ secret, groups, metadata }: SecretEntry): RequestedSecret {
  return {
    secret,
    groups,
    environment: metadata?.environment ?? undefined,
    provider: metadata?.provider ?? undefined,
    access: metadata?.access ?? undefined,
    tags: metadata?.tags ?? [],
  };
}
