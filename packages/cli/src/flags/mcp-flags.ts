import { Flags } from "@oclif/core";
import { durationOf, VaultError } from "@agent-vault/vault";
import { keyFlag } from "./common-flags.js";

/** The flags of the server, which `mcp install` writes into a client's configuration. */
export const mcpFlags = {
  agent: Flags.string({ description: "act as this agent, with its key on this machine", helpValue: "NAME", exclusive: ["key"] }),
  key: keyFlag,
  "owner-key": Flags.string({
    description: "owner key file with which to store secrets that the agent asks for and a person types",
    helpValue: "FILE",
  }),
  groups: Flags.string({
    description: "serve only the secrets of these groups",
    helpValue: "A,B",
    multiple: true,
    multipleNonGreedy: true,
    delimiter: ",",
  }),
  "allow-get": Flags.boolean({ description: "add a tool that shows values to the agent", default: false }),
  "idle-lock": Flags.string({ description: "lock the server after this time without a call, such as 15m", helpValue: "TIME" }),
};

/** The time of `--idle-lock`, such as `15m`; a number alone is minutes. @returns milliseconds @throws VaultError `USAGE` */
export function idleLockOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const timeMs = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) * 60_000 : (durationOf(text) ?? 0);
  if (timeMs > 0 && Number.isFinite(timeMs)) return timeMs;
  throw new VaultError("USAGE", `${JSON.stringify(text)} is not a span of time.`, { remedy: "Use a time such as --idle-lock 15m." });
}
