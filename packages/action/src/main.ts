import process from "node:process";
import * as core from "@actions/core";
import { printable, VaultError } from "@agent-vault/vault";
import { exportSecrets } from "./export-secrets.js";
import { readInputs } from "./inputs.js";
import { verifyVault } from "./verify-vault.js";

try {
  const inputs = readInputs(process.env);
  if (inputs.mode === "export") await exportSecrets(inputs);
  else await verifyVault(inputs);
} catch (error) {
  process.exitCode = core.ExitCode.Failure;
  core.error(messageOf(error), { title: "agent-vault" });
}

function messageOf(error: unknown): string {
  if (error instanceof VaultError) return printable([error.message, error.remedy, `[${error.code}]`].filter(Boolean).join(" "));
  // Nothing that is expected ends here; what it says may come from anywhere, so only its kind is shown.
  return `Something unexpected went wrong: ${error instanceof Error ? error.name : typeof error}.`;
}
