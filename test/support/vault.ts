import type { Attributes, InitRequest } from "#vault/index.js";
import type { Sandbox } from "./sandbox.js";

type Value = string | Uint8Array;

/**
 * Makes a vault in a sandbox.
 * @param secrets each by its value, or with attributes as well
 * @param agents what each agent is granted: groups, and secrets by their path
 */
export async function makeVault(
  box: Sandbox,
  secrets: Readonly<Record<string, Value | ({ readonly value: Value } & Attributes)>> = {},
  agents: Readonly<Record<string, readonly string[]>> = {},
  request: InitRequest = {},
): Promise<void> {
  await box.init(request);
  for (const [path, secret] of Object.entries(secrets)) {
    const { value, ...attributes } = typeof secret === "object" && "value" in secret ? secret : { value: secret };
    await box.set(path, value, attributes);
  }
  for (const [agent, targets] of Object.entries(agents)) await box.addAgent(agent, ...targets);
}
