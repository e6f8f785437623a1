import type { ChangeRequest } from "../../change/signed-change.js";

/** What every operation on an agent takes. */
export interface AgentRequest extends ChangeRequest {
  readonly agent: string;
  /**
   * Where the agent's key file goes, relative to the context's folder. Unless given it is `~/.agent-vault/agents/NAME.key`, or where
   * another vault's agent of that name has its key there, `NAME-ID.key` with the first 8 characters of this vault's id.
   */
  readonly keyOut?: string | undefined;
}

/** An agent's key. */
export interface AgentKeyResult {
  readonly agent: string;
  /** `age1...` */
  readonly recipient: string;
  /** The absolute path of the file that holds the key. */
  readonly keyFile: string;
}

/** What an agent, or its former key, can no longer read. It has seen these values, so they are to be rotated at the source. */
export interface AgentLoss {
  /** As they are shown, in the vault's order. */
  readonly secrets: readonly string[];
  /** Where the agent's former key file was moved to, if there was one. */
  readonly retiredKeyFile: string | undefined;
}
