import { addAgent, grant, init, set } from "#vault/index.js";
import type { Sandbox } from "./sandbox.js";

/**
 * Makes a vault with secrets, and an agent that was granted some of its groups. It is made in this process, which takes a fraction of what as many
 * commands do.
 */
export async function makeVault(
  box: Sandbox,
  secrets: Readonly<Record<string, string | Uint8Array>>,
  agent: string,
  groups: readonly string[],
): Promise<void> {
  const context = box.context();
  const { vault } = await init(context, {});
  for (const [path, value] of Object.entries(secrets)) await set(context, { vault, path, value: Buffer.from(value as string) });
  await addAgent(context, { vault, agent });
  for (const target of groups) await grant(context, { vault, agent, target });
}
