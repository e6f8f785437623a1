import { Flags } from "@oclif/core";
import { lease, openAuthority } from "@agent-vault/runner";
import { keyChoice } from "../flags/key-choice.js";
import { ttlFlag, ttlOf } from "../flags/token-flags.js";
import { argument, keyFlag } from "../flags/common-flags.js";
import { VaultCommand } from "../vault-command.js";

export default class Lease extends VaultCommand {
  static override helpGroup = "limits" as const;
  static override summary = "Print a short-lived token for one secret";
  static override needsPerson = "sometimes" as const;
  static override description =
    "Records who has the secret and until when, for agent-vault leases. The lease lasts 8 hours by default, and does not keep others from using the secret.";
  static override examples = [
    "export AGENT_VAULT_TOKEN=$(agent-vault lease stripe/api-key --ttl 15m)",
    "agent-vault lease stripe/api-key --release",
  ];
  static override args = {
    path: argument({ description: "the secret, as group/name; with --release also the ID of a lease", required: true }),
  };
  static override flags = {
    key: keyFlag,
    ttl: ttlFlag,
    release: Flags.boolean({ description: "end the lease now and revoke its tokens", exclusive: ["ttl"] }),
  };
  static override completes = { path: "secrets" } as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parseCommandLine(Lease);
    const ttl = ttlOf(flags);
    const secret = flags.release ? undefined : args.path;
    if (!flags.release) await this.requirePerson("mints");
    const authority = await openAuthority(this.context, await this.findVault(), keyChoice(flags.key), "lease a secret", secret);
    if (flags.release) {
      const released = await authority.ledger.leases.release(args.path, authority.requester);
      return this.print(released, () => released.map(({ id, secret }) => `Released lease ${id} of ${secret}.`));
    }
    const { token, lease: taken } = await lease(this.context, authority, args.path, ttl);
    this.context.note?.(`Leased ${taken.secret} until ${taken.expires.toISOString()} (lease ${taken.id}). The token is not shown again.`);
    this.print({ ...taken, token_id: taken.token, token }, () => [token]);
  }
}
