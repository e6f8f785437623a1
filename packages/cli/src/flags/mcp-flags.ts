import { Flags } from "@oclif/core";
import { VaultError } from "@agent-vault/vault";
import { keyFlag } from "./common-flags.js";

/** What is said of the server when it is started, and when a client is told how to start it. */
export const mcpFlags = {
  agent: Flags.string({ description: "act for this agent, with its key of this machine", helpValue: "NAME", exclusive: ["key"] }),
  key: keyFlag,
  "owner-key": Flags.string({
    description: "key file that stores what a person types when the agent asks for a secret",
    helpValue: "FILE",
  }),
  groups: Flags.string({
    description: "only the secrets of these groups",
    helpValue: "A,B",
    multiple: true,
    multipleNonGreedy: true,
    delimiter: ",",
  }),
  "allow-get": Flags.boolean({ description: "let the agent see values, with a tool of its own", default: false }),
  "idle-lock": Flags.string({ description: "lock after so many minutes without a call", helpValue: "MINUTES" }),
};

/** @returns milliseconds @throws VaultError `USAGE` */
export function idleLockOf(minutes: string | undefined): number | undefined {
  if (minutes === undefined) return undefined;
  const time = /^\d+(?:\.\d+)?$/.test(minutes) ? Number(minutes) * 60_000 : 0;
  if (time > 0 && Number.isFinite(time)) return time;
  throw new VaultError("USAGE", `${JSON.stringify(minutes)} is no number of minutes.`, { remedy: "Give one above 0: --idle-lock 15." });
}
