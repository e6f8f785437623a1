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
  static override description = "Values are never shown.";
  static override examples = [
    "agent-vault list --group stripe",
    "agent-vault list --environment production --expires-before 30d --sort expires",
    "agent-vault list --search payment --json",
  ];
  static override flags = {
    key: keyFlag,
    group: Flags.string({ description: "only the secrets that this group lists" }),
    agent: Flags.string({ description: "only the secrets that this agent reads" }),
    environment: Flags.string({ description: "only those of this environment" }),
    provider: Flags.string({ description: "only those of this provider" }),
    tag: Flags.string({ description: "only those with this tag" }),
    access: Flags.string({ description: "only those with this access", options: [...ACCESS_LEVELS] }),
    "expires-before": Flags.string({ description: "only those that expire before: a date, a time, or 30d from now", helpValue: "WHEN" }),
    overdue: Flags.boolean({ description: "only those whose rotation is due" }),
    search: Flags.string({
      description: "only those with this text in their name, description, provider, account or tags",
      helpValue: "TEXT",
    }),
    sort: Flags.string({ description: "what to go by; path unless given", options: [...SORT_KEYS] }),
    reverse: Flags.boolean({ description: "the other way round" }),
    limit: Flags.integer({ description: "at most so many", min: 0, helpValue: "N" }),
    offset: Flags.integer({ description: "leave out the first so many", min: 0, helpValue: "N" }),
  };
  static override allowsToken = true;

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
        isFiltered ? "No secret fits." : "No secrets yet. Store one with agent-vault set group/name.",
      );
      const first = flags.offset ?? 0;
      if (secrets.length > 0 && secrets.length < total) yield `${first + 1} to ${first + secrets.length} of ${total}.`;
    });
  }
}
