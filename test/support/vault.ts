import { expect } from "vitest";
import type { Attributes, InitRequest } from "#vault/index.js";
import { madeOnce } from "./made-once.js";
import type { Sandbox } from "./sandbox.js";

type Value = string | Uint8Array;

/** How many vaults were made in the test that is running. */
const made = { test: "", count: 0 };

/**
 * Makes a vault in a sandbox. What one test makes is the vault of no other machine of that test; another test may have the same, since a vault
 * of each kind is made once and copied into each machine that holds nothing yet.
 * @param secrets each by its value, or with attributes as well
 * @param agents what each agent is granted: groups, and secrets by their path
 */
export async function makeVault(
  box: Sandbox,
  secrets: Readonly<Record<string, Value | ({ readonly value: Value } & Attributes)>> = {},
  agents: Readonly<Record<string, readonly string[]>> = {},
  request: InitRequest = {},
): Promise<void> {
  const make = async (machine: Sandbox) => {
    await machine.init(request);
    for (const [path, secret] of Object.entries(secrets)) {
      const { value, ...attributes } = typeof secret === "object" && "value" in secret ? secret : { value: secret };
      await machine.set(path, value, attributes);
    }
    for (const [agent, targets] of Object.entries(agents)) await machine.addAgent(agent, ...targets);
  };
  const { currentTestName: test = "" } = expect.getState();
  if (made.test !== test) Object.assign(made, { test, count: 0 });
  made.count += 1;
  if (box.isNew && request.passphrase === undefined)
    await box.takeOver(await madeOnce(["vault", made.count, secrets, agents, request], box.options, make));
  else await make(box);
}
