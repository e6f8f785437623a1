import { Flags } from "@oclif/core";
import { openAuthority } from "@agent-vault/runner";
import { rotateOwner, VaultError, type RotateOwnerResult } from "@agent-vault/vault";
import { keyChoice } from "../flags/key-choice.js";
import { askNewPassphrase } from "../terminal/new-passphrase.js";
import { rotatedOwnerInWords } from "../advice/after-owner-change.js";
import { terminal } from "../terminal/terminal.js";
import { keyFlag } from "../flags/common-flags.js";
import { VaultCommand } from "../vault-command.js";

export default class RevokeAll extends VaultCommand {
  static override helpGroup = "limits" as const;
  static override summary = "Revoke all tokens, sessions and leases";
  static override description = "Those of this vault on this machine.";
  static override flags = {
    key: keyFlag,
    yes: Flags.boolean({ description: "do so without asking" }),
    rotate: Flags.boolean({ description: "give yourself, the owner, a new key as well, as rotate-owner does" }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parseCommandLine(RevokeAll);
    await this.#confirm(flags.yes);
    const { ledger, requester } = await openAuthority(this.context, await this.findVault(), keyChoice(flags.key), "revoke everything");
    const revoked = await ledger.revokeAll(requester);
    const rotated = flags.rotate ? await this.#rotate(flags) : undefined;
    this.print({ ...revoked, ...(rotated && { rotated }) }, function* () {
      const { tokens, sessions, leases } = revoked;
      yield `Revoked all tokens (${tokens}), sessions (${sessions}) and leases (${leases}). What was read before is still known: rotate it where it matters.`;
      if (rotated) yield* rotatedOwnerInWords(rotated, {});
    });
  }

  async #confirm(yes: boolean): Promise<void> {
    if (yes) return;
    if (!terminal.canAsk()) {
      throw new VaultError("CONFIRMATION_REQUIRED", "Nobody can be asked here whether all tokens, sessions and leases shall end.", {
        remedy: "Say so with --yes.",
      });
    }
    if (await terminal.confirm("End all tokens, sessions and leases of this vault?")) return;
    throw new VaultError("CONFIRMATION_REQUIRED", "Nothing was revoked.", { remedy: "Answer y, or give --yes." });
  }

  /** Where that fails, the tokens stay revoked, and the person has to know. */
  async #rotate(flags: { key?: string | undefined }): Promise<RotateOwnerResult> {
    try {
      return await rotateOwner(this.context, { ...(await this.change(flags)), passphrase: askNewPassphrase });
    } catch (error) {
      this.context.warn("All tokens, sessions and leases were revoked; the owner's key was not replaced.");
      throw error;
    }
  }
}
