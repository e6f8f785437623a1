import { Flags } from "@oclif/core";
import { secretSearch } from "@agent-vault/ledger";
import { ACCESS_LEVELS, parseTime, SORT_KEYS, type SortKey } from "@agent-vault/vault";
import { keyChoice } from "../flags/key-choice.js";
import { table } from "../terminal/table.js";
import { keyFlag } from "../flags/common-flags.js";
import { VaultCommand } from "../vault-command.js";

export default class List extends VaultCommand {
  static override helpGroup = "start" as const;
  static override firstStep = 7;
  static override summary = "List secrets and who can read them";
  static override needsPerson = "never" as const;
  static override description = "Values are never shown.";
  static override examples = [
    "agent-vault list --group stripe",
    "agent-vault list --environment production --expires-before 30d --sort expires",
    "agent-vault list --search payment --json",
  ];
  static override flags = {
    key: keyFlag,
    group: Flags.string({ description: "only secrets in this group", helpValue: "GROUP" }),
    agent: Flags.string({ description: "only secrets that this agent can read", helpValue: "NAME" }),
    environment: Flags.string({ description: "only secrets of this environment", helpValue: "NAME" }),
    provider: Flags.string({ description: "only secrets of this provider", helpValue: "NAME" }),
    tag: Flags.string({ description: "only secrets with this tag", helpValue: "TAG" }),
    access: Flags.string({ description: "only secrets with this access", options: [...ACCESS_LEVELS] }),
    "expires-before": Flags.string({
      description: "only secrets that expire before then: a date, a time, or 30d from now",
      helpValue: "WHEN",
    }),
    overdue: Flags.boolean({ description: "only secrets whose rotation is overdue" }),
    search: Flags.string({
      description: "only secrets with this text in their name, description, provider, account or tags",
      helpValue: "TEXT",
    }),
    sort: Flags.string({ description: "sort by this (default: path)", options: [...SORT_KEYS] }),
    reverse: Flags.boolean({ description: "reverse the order" }),
    limit: Flags.integer({ description: "show at most N secrets", min: 0, helpValue: "N" }),
    offset: Flags.integer({ description: "skip the first N secrets", min: 0, helpValue: "N" }),
  };
  static override allowsToken = true;
  static override readsUrl = true;

  async run(): Promise<void> {
    const { flags } = await this.parseCommandLine(List);
    const { key, reverse, overdue, sort, directory: _, json: __, "expires-before": expires, ...query } = flags;
    const now = this.context.now();
    const find = await secretSearch(this.context, await this.findVault(), keyChoice(key));
    const { secrets, total } = await find({
      ...query,
      expiresBefore: expires === undefined ? undefined : parseTime(expires, now, "ahead"),
      overdueAt: overdue ? now : undefined,
      sort: sort as SortKey | undefined,
      descending: reverse,
    });
    for (const { secret, problem } of secrets) if (problem !== undefined) this.context.warn(`${secret}: ${problem}`);
    const json = secrets.map(({ secret, groups, agents, metadata }) => ({ ...metadata, name: secret, groups, agents }));
    const isFiltered = Object.values({ ...query, expires, overdue: overdue || undefined }).some((value) => value !== undefined);
    this.print(json, function* () {
      yield* table(
        ["SECRET", "GROUPS", "AGENTS", "EXPIRES"],
        secrets.map(({ secret, groups, agents, metadata }) => [
          secret,
          groups.join(", ") || "-",
          agents.join(", ") || "-",
          metadata?.expires?.slice(0, 10) ?? "-",
        ]),
        isFiltered ? "No matching secrets." : "No secrets yet. Store one with agent-vault set GROUP/NAME.",
      );
      const first = flags.offset ?? 0;
      if (secrets.length > 0 && secrets.length < total) yield `${first + 1} to ${first + secrets.length} of ${total}.`;
    });
  }
}
