import { vaultStatus, type VaultStatus } from "@agent-vault/ledger";
import { andMore, plural } from "@agent-vault/vault/read-only";
import { keyChoice } from "../flags/key-choice.js";
import { keyFlag } from "../flags/common-flags.js";
import { VaultCommand } from "../vault-command.js";

export default class Status extends VaultCommand {
  static override helpGroup = "start" as const;
  static override firstStep = 10;
  static override summary = "Show the state of the vault";
  static override needsPerson = "never" as const;
  static override description = "Shows the signed state, your role, what needs attention and what is not pushed yet.";
  static override flags = { key: keyFlag };
  static override allowsToken = true;

  async run(): Promise<void> {
    const { flags } = await this.parseCommandLine(Status);
    const status = await vaultStatus(this.context, await this.findVault(), keyChoice(flags.key));
    const { state, clone, ...rest } = status;
    const { fetchedAt, askedAt, upstream: _upstream, ...place } = clone ?? {};
    const { signedAt, validUntil, ...signed } = state ?? {};
    const repository = clone && { ...place, last_verified: fetchedAt, last_asked: askedAt };
    this.print({ ...rest, repository, state: state && { ...signed, signed_at: signedAt, valid_until: validUntil } }, () =>
      formatStatus(status),
    );
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
  clone,
  merge,
  next,
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
  if (clone) yield `Branch    ${formatBranch(clone)}`;
  if (upstream) yield `Upstream  ${formatUpstream(upstream, clone?.diverged ?? false)}`;
  if (clone?.askedAt) yield `Remote    ${formatAsked(clone)}`;
  if (merge) yield `Merge     ${formatMerge(merge)}`;
  else if (clone && clone.unsigned.length > 0) yield `Unsigned  ${andMore(clone.unsigned, 5)}`;
  yield `Audit     ${audit.on ? `${audit.rows} rows on this machine, ${audit.anchored} signed by an owner` : `off: ${audit.why}`}`;
  if (next !== undefined) yield `Next      ${next}`;
}

function formatMerge({ commit, states, owners }: NonNullable<VaultStatus["merge"]>): string {
  const who = owners.length === 0 ? "an owner" : owners.join(" or ");
  return `git joined states ${states.join(" and ")} in commit ${commit.slice(0, 12)}, which waits for ${who} to sign it: agent-vault sync`;
}

function formatPrincipal({ role, name }: NonNullable<VaultStatus["you"]>): string {
  if (role === "unknown") return "not a reader of this vault";
  return name === undefined ? `an ${role}` : `${role} ${name}`;
}

function formatBranch({ branch, home }: NonNullable<VaultStatus["clone"]>): string {
  const name = branch ?? "none, since HEAD is detached";
  if (home === undefined) return name;
  return home === branch ? `${name}, the vault's main branch` : `${name}; the vault's main branch is ${home}`;
}

function formatAsked({ fetchedAt, askedAt }: NonNullable<VaultStatus["clone"]>): string {
  if (fetchedAt?.getTime() === askedAt?.getTime()) return `last asked on ${askedAt!.toISOString()}`;
  return `did not answer on ${askedAt!.toISOString()}${fetchedAt ? `, last answered on ${fetchedAt.toISOString()}` : ""}`;
}

function formatUpstream({ name, ahead, behind }: NonNullable<VaultStatus["upstream"]>, diverged: boolean): string {
  if (ahead === 0 && behind === 0) return `${name}, up to date as of the last fetch`;
  const parts = [ahead > 0 && `${plural(ahead, "commit")} to push`, behind > 0 && `${behind} to pull`].filter(Boolean);
  return `${name}, ${diverged ? "diverged, " : ""}${parts.join(" and ")}: agent-vault sync`;
}
