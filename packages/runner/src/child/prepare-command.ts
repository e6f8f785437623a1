import { statSync } from "node:fs";
import { isatty } from "node:tty";
import { detectHarness, printable, VaultError } from "@agent-vault/vault/read-only";
import { childEnvironment } from "./child-environment.js";
import type { ChildRequest } from "./child-request.js";
import { closeOutputPipes } from "./output-pipes.js";
import { shellCommand } from "./shell-command.js";

/** The command and the environment of a child, checked. Where they cannot be used, the pipes that were made for it are closed. @throws VaultError as `runChild` */
export function prepareCommand(request: ChildRequest): { env: Record<string, string>; command: readonly string[] } {
  try {
    const env = childEnvironment(request.env, request.secrets ?? {}, request);
    const command = request.shell ? shellCommand(request.command, request.env) : request.command;
    requireValid(request, command);
    return { env, command };
  } catch (error) {
    closeOutputPipes(request.pipes);
    throw error;
  }
}

function requireValid(request: ChildRequest, command: readonly string[]): void {
  if (request.command.length === 0 || command[0] === "") {
    throw new VaultError("USAGE", "There is no command to run.", { remedy: "Add one after --." });
  }
  if (command.some((word) => word.includes("\0"))) {
    throw new VaultError("USAGE", "Arguments cannot contain NUL bytes.", { remedy: "Remove them from the command." });
  }
  if (request.signal?.aborted) {
    throw new VaultError("FAILED", "The command was cancelled before it started.", { remedy: "Run it again." });
  }
  if (!statSync(request.cwd, { throwIfNoEntry: false })?.isDirectory()) {
    throw new VaultError("FILE_NOT_FOUND", `There is no folder ${printable(request.cwd)} to run the command in.`, {
      remedy: "Name another one with --cwd.",
    });
  }
  if (!request.tty) return;
  const harness = detectHarness(request.env);
  if (harness !== undefined) {
    throw new VaultError(
      "HARNESS_DENIED",
      `--tty does not scrub secrets from the output, and ${printable(harness)} seems to have started this command.`,
      {
        remedy: "Run it without --tty, or from your own terminal.",
      },
    );
  }
  if (!isatty(1)) {
    throw new VaultError("USAGE", "--tty needs a terminal, and standard output is not one.", {
      remedy: "Run it without --tty; its output is scrubbed then.",
    });
  }
}
