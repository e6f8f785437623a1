import { Flags } from "@oclif/core";
import { openAuthority } from "@agent-vault/runner";
import { rotateOwner, VaultError, type RotateOwnerResult } from "@agent-vault/vault";
import { keyChoice } from "../flags/key-choice.js";
import { askNewPassphrase } from "../terminal/new-passphrase.js";
import { formatRotatedOwner } from "../advice/after-owner-change.js";
import { terminal } from "../terminal/terminal.js";
import { keyFlag } from "../flags/common-flags.js";
import { VaultCommand } from "../vault-command.js";

export default class RevokeAll extends VaultCommand {
  static override helpGroup = "limits" as const;
  static override summary = "Revoke all tokens, sessions and leases";
  static override needsPerson = "sometimes" as const;
  static override description =
    "Those of this vault on this machine, at once and without a question. With --rotate it asks before it replaces the key.";
  static override flags = {
    key: keyFlag,
    yes: Flags.boolean({ description: "with --rotate: do not ask for confirmation" }),
    rotate: Flags.boolean({ description: "also replace your owner key, as rotate-owner does" }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parseCommandLine(RevokeAll);
    const { ledger, requester } = await openAuthority(this.context, await this.findVault(), keyChoice(flags.key), "revoke everything");
    const revoked = await ledger.revokeAll(requester);
    const rotated = flags.rotate ? await this.#rotate(flags) : undefined;
    this.print({ ...revoked, ...(rotated && { rotated }) }, function* () {
      const { tokens, sessions, leases } = revoked;
      yield `Revoked all tokens (${tokens}), sessions (${sessions}) and leases (${leases}). Values read before may still be known, so rotate the secrets that matter.`;
      if (rotated) yield* formatRotatedOwner(rotated, {});
    });
  }

  async #confirm(yes: boolean): Promise<void> {
    await this.requirePerson("signs");
    if (yes) return;
    if (!terminal.canAsk()) {
      throw new VaultError("CONFIRMATION_REQUIRED", "Replacing your owner key needs confirmation, and there is no terminal to ask on.", {
        remedy: "Confirm it with --yes.",
      });
    }
    if (await terminal.confirm("Replace your owner key and re-encrypt every secret?")) return;
    throw new VaultError("CONFIRMATION_REQUIRED", "The owner key was not replaced.", { remedy: "Answer y, or use --yes." });
  }

  /** If this fails, the tokens stay revoked, which the person has to know. */
  async #rotate(flags: { key?: string | undefined; yes: boolean }): Promise<RotateOwnerResult> {
    try {
      await this.#confirm(flags.yes);
      return await rotateOwner(this.context, { ...(await this.change(flags)), passphrase: () => askNewPassphrase(this.context) });
    } catch (error) {
      this.context.warn("All tokens, sessions and leases were revoked, but the owner key was not replaced.");
      throw error;
    }
  }
}
