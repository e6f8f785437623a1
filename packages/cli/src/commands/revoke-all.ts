import { Flags } from "@oclif/core";
import { openAuthority } from "@agent-vault/runner";
import { rotateOwner, VaultError, type RotateOwnerResult } from "@agent-vault/vault";
import { keyChoice } from "../flags/key-choice.js";
import { askNewPassphrase } from "../terminal/new-passphrase.js";
import { formatRotatedOwner } from "../advice/after-owner-change.js";
import { terminal } from "../terminal/terminal.js";
import { keyFlag } from "../flags/common-flags.js";
import { VaultCommand } from "../vault-command.js";

/** `agent-vault revoke-all`: revoke all tokens, sessions and leases. Those of this vault on this machine. */
export default class RevokeAll extends VaultCommand {
  static override helpGroup = "limits" as const;
  static override summary = "Revoke all tokens, sessions and leases";
  static override description = "Those of this vault on this machine.";
  static override flags = {
    key: keyFlag,
    yes: Flags.boolean({ description: "do not ask for confirmation" }),
    rotate: Flags.boolean({ description: "also replace your owner key, as rotate-owner does" }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parseCommandLine(RevokeAll);
    await this.#confirm(flags.yes);
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
    if (yes) return;
    if (!terminal.canAsk()) {
      throw new VaultError("CONFIRMATION_REQUIRED", "Revoking everything needs confirmation, and there is no terminal to ask on.", {
        remedy: "Confirm it with --yes.",
      });
    }
    if (await terminal.confirm("Revoke all tokens, sessions and leases of this vault?")) return;
    throw new VaultError("CONFIRMATION_REQUIRED", "Nothing was revoked.", { remedy: "Answer y, or use --yes." });
  }

  /** If this fails, the tokens stay revoked, which the person has to know. */
  async #rotate(flags: { key?: string | undefined }): Promise<RotateOwnerResult> {
    try {
      return await rotateOwner(this.context, { ...(await this.change(flags)), passphrase: askNewPassphrase });
    } catch (error) {
      this.context.warn("All tokens, sessions and leases were revoked, but the owner key was not replaced.");
      throw error;
    }
  }
}
