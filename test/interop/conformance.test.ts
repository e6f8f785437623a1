import process from "node:process";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { Vault } from "#sdk-node/index.js";
import { VaultError } from "#vault/index.js";
import { CASES, CaseMachine, keyFile, type Call, type Case, type ListedSecret } from "./conformance.js";

/** What came of a call: what is expected of one that ends well, or an error with its text. */
type Outcome = { readonly error: string; readonly text: string } | Readonly<Record<string, unknown>>;

const DOORS = { node: askNode, cli: askCommand };
/** Part of the values of the fixtures, and to be in no error. */
const VALUES = /sk_test|sk_of|demo_stripe|not for bot/;

describe.each(Object.entries(DOORS))("the conformance suite, by the door %s", (door, open) => {
  it.each(CASES.map((given) => [given.name, given] as const))("%s", async (_, given) => {
    const machine = new CaseMachine(given);
    const ask = open(machine, given);
    for (const call of given.calls) {
      if (call.doors && !call.doors.some((name) => name === door)) continue;
      if ("push" in call) {
        machine.push(call.push, call.change);
        continue;
      }
      machine.fetchAgain();
      const { error, mentions = "", doors: _doors, ...expected } = call;
      const outcome = await ask(call);
      if (error === undefined) expect(outcome).toEqual(expected);
      else {
        expect(outcome).toMatchObject({ error });
        expect(String(outcome["text"])).toContain(mentions);
        expect(String(outcome["text"])).not.toMatch(VALUES);
      }
    }
    if (given.remembers !== undefined) expect(machine.remembered()).toBe(given.remembers);
  });
});

function askNode(machine: CaseMachine, { key = {} }: Case): (call: Call) => Promise<Outcome> {
  for (const name of ["CI", "AGENT_VAULT_KEY", "AGENT_VAULT_OWNER", "AGENT_VAULT_STRICT"]) vi.stubEnv(name, machine.env[name]);
  for (const [name, value] of Object.entries(machine.env)) vi.stubEnv(name, value);
  vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  onTestFinished(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
  });
  let made: Vault | undefined;
  return async (call) => {
    try {
      const vault = (made ??= new Vault({ repoPath: machine.box.repository, ...(key.file && { keyPath: keyFile(key.file) }) }));
      if ("get" in call) return { get: call.get, value: await vault.get(call.get) };
      if ("get_bytes" in call) return { get_bytes: call.get_bytes, base64: base64(await vault.getBytes(call.get_bytes)) };
      if ("list_agents" in call) return { list_agents: true, agents: vault.listAgents() };
      if (!("list_secrets" in call)) throw new Error("No such call.");
      const secrets = vault.listSecrets(call.list_secrets ?? undefined).map(({ name, group, authorizedAgents, expiresAt }) => ({
        name,
        group,
        agents: authorizedAgents,
        ...(expiresAt && { expires: expiresAt.toISOString().replace(".000Z", "Z") }),
      }));
      return { list_secrets: call.list_secrets, secrets };
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      return { error: error.code, text: error.message };
    }
  };
}

function askCommand(machine: CaseMachine, { key = {} }: Case): (call: Call) => Promise<Outcome> {
  const run = async (...words: string[]) => {
    const flags = key.file && words[0] !== "list-agents" ? ["--key", keyFile(key.file)] : [];
    // What needs no key takes none of the command line, but heeds what the variable says.
    const env = { ...machine.env, ...(key.file && words[0] === "list-agents" && { AGENT_VAULT_KEY: keyFile(key.file) }) };
    return machine.box.cli([...words, ...flags], { env });
  };
  const json = async (...words: string[]) => {
    const { stdout, stderr } = await run(...words, "--json");
    const answer = JSON.parse(stdout.toString()) as { error?: { code: string; message: string; remedy?: string } };
    const { error } = answer;
    return error ? { error: error.code, text: `${error.message} ${error.remedy} ${stderr}` } : answer;
  };
  return async (call) => {
    if ("get" in call) {
      const answer: Outcome = await json("get", call.get);
      return "error" in answer ? answer : { get: call.get, value: answer["value"] };
    }
    if ("get_bytes" in call) return { get_bytes: call.get_bytes, base64: base64((await run("get", call.get_bytes)).stdout) };
    if ("list_agents" in call) {
      const answer: Outcome = await json("list-agents");
      const list = answer as unknown as { readonly agent: string; readonly groups: readonly string[] }[];
      return "error" in answer ? answer : { list_agents: true, agents: list.map(({ agent, groups }) => ({ name: agent, groups })) };
    }
    if (!("list_secrets" in call)) throw new Error("No such call.");
    const answer: Outcome = await json("list", ...(call.list_secrets === null ? [] : ["--group", call.list_secrets]));
    if ("error" in answer) return answer;
    const secrets = (answer as unknown as ListedSecret[]).map(({ name, group, agents, expires }) => ({
      name,
      group,
      agents,
      ...(expires && { expires }),
    }));
    return { list_secrets: call.list_secrets, secrets };
  };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
