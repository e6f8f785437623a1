import type { Actor, Context } from "@agent-vault/vault/read-only";
import type { AuditEvent } from "./audit-row.js";
import { surroundingsOf } from "./surroundings.js";

/** Who asks for something, and from where, as it goes on record. */
export type Requester = Pick<AuditEvent, "who" | "identity" | "harness" | "folder" | "repository" | "branch">;

export async function requesterOf(context: Context, { root, holder }: Pick<Actor, "root" | "holder">): Promise<Requester> {
  const { harness, folder, repository, branch } = surroundingsOf(context, root);
  const { name, identity } = await holder();
  return { who: name, identity, harness, folder, repository, branch };
}
