import type { Context } from "../context.js";
import type { AuditEvent } from "./audit-event.js";
import { invocationContext } from "./invocation-context.js";
import type { Actor } from "./recorder.js";

/** Who asks for something, and from where, as the audit log has it. */
export type Requester = Pick<AuditEvent, "who" | "identity" | "harness" | "folder" | "repository" | "branch">;

/** @throws VaultError what reading the owner's or agent's name throws */
export async function requesterOf(context: Context, { root, principal }: Pick<Actor, "root" | "principal">): Promise<Requester> {
  const { harness, folder, repository, branch } = invocationContext(context, root);
  const { name, identity } = await principal();
  return { who: name, identity, harness, folder, repository, branch };
}
