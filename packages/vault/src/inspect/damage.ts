import { join } from "node:path";
import { VaultError } from "../errors.js";
import type { VaultState } from "../files/vault-state.js";
import { shellWord } from "../text/shell-word.js";
import type { Finding } from "./finding.js";

/**
 * The finding for a file that could not be read, or is a link.
 * @param subject the secret, agent or file that it is about
 * @param remedy for a damaged file; without it, to restore the file from git
 * @throws what is not a VaultError
 */
export function damageFinding(
  state: VaultState,
  subject: string,
  file: string,
  error: unknown,
  remedy = restoration(state, file),
): Finding {
  if (!(error instanceof VaultError)) throw error;
  const isLink = error.code === "LINK_IN_VAULT";
  const message = `${subject}: ${error.message}`;
  return {
    severity: "error",
    kind: isLink ? "link" : "damaged",
    subject,
    message,
    remedy: isLink ? removal(state, file) : remedy,
    file,
  };
}

/** Passes findings on, and turns the error that ends them into one. Takes what {@link damageFinding} takes. */
export function* damageAsFinding(
  state: VaultState,
  subject: string,
  file: string,
  findings: Iterable<Finding>,
  remedy?: string,
): Generator<Finding> {
  try {
    yield* findings;
  } catch (error) {
    yield damageFinding(state, subject, file, error, remedy);
  }
}

/** How to get rid of a file that should not be there. */
export function removal(state: VaultState, file: string): string {
  return `Find out who put it there, then remove it: rm ${shellPath(state, file)}.`;
}

function restoration(state: VaultState, file: string): string {
  return `Restore it from a commit that git log names: git checkout COMMIT -- ${shellPath(state, file)}.`;
}

/** The path of a vault's file, or folder, as a word for a shell. */
export function shellPath(state: VaultState, file: string): string {
  return shellWord(join(state.source.root, file));
}
