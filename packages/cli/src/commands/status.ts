import { vaultStatus, type VaultStatus } from "@agent-vault/ledger";
import { plural } from "@agent-vault/vault/read-only";
import { keyChoice } from "../flags/key-choice.js";
import { keyFlag } from "../flags/common-flags.js";
import { VaultCommand } from "../vault-command.js";

/** `agent-vault status`: show the state of the vault. */
export default class Status extends VaultCommand {
  static override helpGroup = "start" as const;
  static override firstStep = 10;
  static override summary = "Show the state of the vault";
  static override description = "Shows the signed state, your role, what needs attention and what is not pushed yet.";
  static override flags = { key: keyFlag };
  static override allowsToken = true;

  async run(): Promise<void> {
    const { flags } = await this.parseCommandLine(Status);
    const status = await vaultStatus(this.context, await this.findVault(), keyChoice(flags.key));
    const { state, ...rest } = status;
    const { signedAt, validUntil, ...signed } = state ?? {};
    this.print({ ...rest, state: state && { ...signed, signed_at: signedAt, valid_until: validUntil } }, () => formatStatus(status));
  }
}

function* formatStatus({
  folder,
  state,
  you,
  secrets,
  groups,
  agents,
  owners,
  expired,
  expiring,
  overdue,
  upstream,
  audit,
}: VaultStatus): Generator<string> {
  yield `Vault     ${folder}`;
  const until = state?.validUntil ? `, valid until ${state.validUntil.toISOString()}` : "";
  yield `State     ${state ? `${state.sequence}, signed by ${state.signer} on ${state.signedAt.toISOString()}${until}` : "not signed yet: agent-vault sign"}`;
  yield `You       ${you ? `${formatPrincipal(you)} (${you.source})` : "no key found: use --key FILE or AGENT_VAULT_KEY"}`;
  const readable = secrets.yours === undefined || secrets.yours === secrets.all ? "" : `, ${secrets.yours} of them readable by you`;
  yield `Secrets   ${secrets.all}${readable}, in ${plural(groups, "group")}, for ${plural(agents, "agent")} and ${plural(owners, "owner")}`;
  const attention = [
    expired && `${expired} expired`,
    expiring && `${expiring} expiring soon`,
    overdue && `${overdue} overdue for rotation`,
  ].filter(Boolean);
  if (attention.length > 0) yield `Attention ${attention.join(", ")}: agent-vault check`;
  if (upstream) yield `Upstream  ${formatUpstream(upstream)}`;
  yield `Audit     ${audit.on ? `${audit.rows} rows on this machine, ${audit.anchored} signed by an owner` : `off: ${audit.why}`}`;
}

function formatPrincipal({ role, name }: NonNullable<VaultStatus["you"]>): string {
  if (role === "unknown") return "not a reader of this vault";
  return name === undefined ? `an ${role}` : `${role} ${name}`;
}

function formatUpstream({ name, ahead, behind }: NonNullable<VaultStatus["upstream"]>): string {
  if (ahead === 0 && behind === 0) return `${name}, up to date as of the last fetch`;
  const parts = [ahead > 0 && `${plural(ahead, "commit")} to push`, behind > 0 && `${behind} to pull`].filter(Boolean);
  return `${name}, ${parts.join(" and ")}: agent-vault sync`;
}
