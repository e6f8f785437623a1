import { join, resolve } from "node:path";
import process from "node:process";
import { expect, onTestFinished, vi } from "vitest";
import { makeVault } from "../../support/vault.js";
import { prepared, type Outcome, type Sandbox } from "../../support/sandbox.js";

export const SDK = resolve(import.meta.dirname, "../../../sdk-node/dist/index.js");

/** Machines with a vault whose agent `bot` was granted one of two groups. To be called where a file begins. */
export function agentsMachines(): () => Promise<{ box: Sandbox; options: { repoPath: string; keyPath: string } }> {
  const granted = prepared(async (box) => {
    const secrets = {
      "stripe/api-key": { value: "sk_1", expires: "2030-01-01T00:00:00Z" },
      "stripe/cert": Buffer.from([0, 200, 255]),
      "other/x": "no",
    };
    await makeVault(box, secrets, { bot: ["stripe"] });
  });
  return async () => {
    const box = await granted();
    vi.stubEnv("AGENT_VAULT_HOME", join(box.home, ".agent-vault"));
    vi.stubEnv("GIT_CONFIG_GLOBAL", box.env["GIT_CONFIG_GLOBAL"]);
    onTestFinished(() => void vi.unstubAllEnvs());
    return { box, options: { repoPath: box.repository, keyPath: box.agentKey("bot") } };
  };
}

/** Runs an agent's program, as the documentation shows it, in a process and a home of its own. */
export async function runProgram(box: Sandbox, body: string, env: Record<string, string> = {}, name = "agent.mjs"): Promise<Outcome> {
  const file = name.endsWith(".cjs") ? SDK.replace(/\.js$/, ".cjs") : SDK;
  const program = box.write(join(box.root, name), body.replaceAll('"agent-vault"', JSON.stringify(file)));
  return box.run(process.execPath, [program], { env });
}

/** What a program prints that ends well and has nothing to complain of. */
export async function outputOf(...words: Parameters<typeof runProgram>): Promise<string> {
  const outcome = await runProgram(...words);
  expect({ code: outcome.code, stderr: outcome.stderr }).toEqual({ code: 0, stderr: "" });
  return outcome.stdout.toString();
}
