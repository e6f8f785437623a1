import process from "node:process";
import { Flags } from "@oclif/core";
import { inject, personalApprover } from "@agent-vault/runner";
import { resolvePath } from "@agent-vault/vault";
import { readInputFile } from "../flags/read-input-file.js";
import { keyChoice } from "../flags/key-choice.js";
import { readStandardInput } from "../terminal/standard-input.js";
import { writeOut } from "../terminal/standard-output.js";
import { argument, keyFlag, noPullFlag, tokenFlag } from "../flags/common-flags.js";
import { GLOBAL_FLAGS } from "../flags/global-flags.js";
import { oclifFlags } from "../flags/oclif-flags.js";
import { USE_FLAGS } from "../flags/run-flags.js";
import { writePrivateFile } from "../values/write-private-file.js";
import { VaultCommand } from "../vault-command.js";

const MAX_TEMPLATE_BYTES = 16 * 1024 * 1024;

export default class Inject extends VaultCommand {
  static override helpGroup = "secrets" as const;
  static override summary = "Fill a template with secrets";
  static override needsPerson = "never" as const;
  static override description =
    "Replaces {{ vault://group/name }} with the value, and prints the result or writes it to a file with mode 0600.";
  static override examples = [
    "agent-vault inject config.tmpl --out config.yaml",
    "agent-vault inject - < config.tmpl | kubectl apply -f -",
  ];
  static override args = { template: argument({ description: "the template file, or - for standard input", required: true }) };
  static override flags = {
    key: keyFlag,
    token: tokenFlag,
    "no-pull": noPullFlag,
    out: Flags.string({ description: "write the result to this file, which only you can read", helpValue: "FILE" }),
    ...oclifFlags({ ...USE_FLAGS, json: { ...GLOBAL_FLAGS.json, description: "print errors as JSON" } }),
  };
  static override completes = { template: "files" } as const;
  static override allowsToken = true;
  static override readsUrl = true;

  async run(): Promise<void> {
    const { args, flags } = await this.parseCommandLine(Inject);
    const isPiped = args.template === "-";
    if (isPiped && process.stdin.isTTY) this.context.note?.("Type the template, and end it with Ctrl-D.");
    const template = isPiped
      ? await readStandardInput(true, MAX_TEMPLATE_BYTES)
      : readInputFile(this.context, args.template, "of the template");
    const out = flags.out === undefined ? undefined : resolvePath(this.context, flags.out);
    await inject(this.context, {
      root: await this.findVault({ fetch: false }),
      template,
      file: isPiped ? "the template" : args.template,
      out,
      key: keyChoice(flags.key),
      token: flags.token,
      pull: !flags["no-pull"],
      reason: flags.reason,
      service: flags.service,
      approver: personalApprover(this.context),
      write: (bytes) => (out === undefined ? writeOut(bytes) : writePrivateFile(out, bytes)),
    });
  }
}
