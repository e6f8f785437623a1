import { resolve } from "node:path";
import process from "node:process";
// @ts-expect-error It is a program without types.
import { pythonEnvironment } from "../../tools/python.mjs";
import { Served } from "./mcp-client.js";
import { CLI, type Outcome, type Sandbox } from "./sandbox.js";

const NODE_SDK = resolve(import.meta.dirname, "../../sdk-node/dist/index.js");
const PYTHON_SDK = resolve(import.meta.dirname, "../../sdk-python/src");
const { python } = pythonEnvironment() as { readonly python?: string };

/** Where a vault is used: a clone, and the environment of its user. */
export interface Place {
  readonly clone: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What a person, a program or a coding agent does with the secret stripe/api-key, in a process of its own. */
export type Door = (box: Sandbox, place: Place) => Promise<Outcome>;

/** A command line. */
export const cli =
  (...words: string[]): Door =>
  (box, { clone, env }) =>
    box.process(words, { cwd: clone, env });

/** The command that doors which use a secret start, in the clone. */
export const USED = "./use.sh";

/** The doors that print the secret's value, with an owner's key. */
export const PRINTING: Readonly<Record<string, Door>> = {
  get: cli("get", "stripe/api-key"),
  inject: (box, { clone, env }) => box.process(["inject", "-"], { cwd: clone, env, input: "{{ vault://stripe/api-key }}" }),
  "the Node SDK": (box, { clone, env }) => {
    const source = `import { Vault } from ${JSON.stringify(NODE_SDK)};
      process.stdout.write(await new Vault({ repoPath: ".", keyPath: process.argv[1] }).get("stripe/api-key"));`;
    return box.run(process.execPath, ["--input-type=module", "-e", source, box.ownerKey], { cwd: clone, env });
  },
  ...(python !== undefined && {
    "the Python SDK": (box: Sandbox, { clone, env }: Place) => {
      const source = 'import sys; from agent_vault import Vault; print(end=Vault(".", sys.argv[1]).get("stripe/api-key"))';
      return box.run(python, ["-c", source, box.ownerKey], { cwd: clone, env: { ...env, PYTHONPATH: PYTHON_SDK } });
    },
  }),
};

/** The doors that run {@link USED} with the secret as a variable, and give what it prints. */
export const RUNNING: Readonly<Record<string, Door>> = {
  run: cli("run", "--secret", "stripe/api-key", "--allow-short", "--", USED),
  MCP: async (box, { clone, env }) => {
    const program = { command: process.execPath, args: [CLI, "mcp", "-C", clone] };
    const served = await Served.start(box, { env: env as Record<string, string>, program });
    const { code, text, data } = await served.call("run", { command: [USED], secrets: ["stripe/api-key"], reason: "a test" });
    await served.client.close();
    return { code: code === undefined ? 0 : 1, signal: null, stdout: Buffer.from(`${JSON.stringify(data)}${text}`), stderr: text };
  },
};
