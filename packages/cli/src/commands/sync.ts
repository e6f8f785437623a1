import { Flags } from "@oclif/core";
import {
  describeDifference,
  detectHarness,
  describeWidening,
  DivergedError,
  MergeConflictError,
  sync,
  plural,
  type SyncReport,
} from "@agent-vault/vault";
import { describeFinished, describeMerge, describeReview, FIRST_MERGE } from "../advice/describe-merge.js";
import { keyChoice } from "../flags/key-choice.js";
import { dryRunFlag, keyFlag } from "../flags/common-flags.js";
import { askMerge } from "../advice/ask-merge.js";
import { terminal } from "../terminal/terminal.js";
import { VaultCommand } from "../vault-command.js";

export default class Sync extends VaultCommand {
  static override helpGroup = "start" as const;
  static override firstStep = 9;
  static override summary = "Bring the vault and its remote together";
  static override needsPerson = "sometimes" as const;
  static override description =
    "Verifies what the remote has and takes it over, then verifies what is here and pushes it. Where both sides changed the vault, the two are merged by what they mean and signed by you; code is joined by git. Nothing is forced, and no commit is dropped.";
  static override examples = [
    "agent-vault sync",
    "agent-vault sync --dry-run",
    "agent-vault sync --theirs",
    "agent-vault sync --onto main",
  ];
  static override flags = {
    key: keyFlag,
    "dry-run": dryRunFlag,
    ours: Flags.boolean({ description: "in conflicts, take the answer of this side", exclusive: ["theirs"] }),
    theirs: Flags.boolean({ description: "in conflicts, take the answer of the remote's side" }),
    onto: Flags.string({
      description: "join with this branch of the remote, then with the upstream",
      helpValue: "REF",
      exclusive: ["push"],
    }),
    pull: Flags.boolean({ description: "only pull", exclusive: ["push"] }),
    push: Flags.boolean({ description: "only push" }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parseCommandLine(Sync);
    try {
      const result = await sync(this.context, await this.findVault(), {
        key: keyChoice(flags.key),
        pull: !flags.push,
        push: !flags.pull,
        side: flags.ours ? "ours" : flags.theirs ? "theirs" : undefined,
        dryRun: flags["dry-run"],
        onto: flags.onto,
        ...(detectHarness(this.context.env) !== undefined && { confirm: () => this.requirePerson("signs") }),
        ...(terminal.canAsk() && { review: (review) => askMerge(review, (line) => this.context.note?.(line)) }),
      });
      const { pulledWidening, pushedWidening, isFinished: _isFinished, ...rest } = result;
      if (result.merged?.isFirst || result.finished?.isFirst) this.context.warn(FIRST_MERGE);
      const isNoted = this.context.note !== undefined;
      this.print({ ...rest, pulled_widening: pulledWidening, pushed_widening: pushedWidening }, () =>
        describeSync(result, { isNoted, isDryRun: flags["dry-run"] }),
      );
    } catch (error) {
      if (error instanceof DivergedError) {
        const { here, there } = error.divergence;
        this.context.warn(["Changed here:", ...describeDifference(here).map((line) => `  ${line}`)].join("\n"));
        this.context.warn(["Changed on the remote:", ...describeDifference(there).map((line) => `  ${line}`)].join("\n"));
      }
      if (error instanceof MergeConflictError) this.context.warn(describeReview(error.review).join("\n"));
      throw error;
    }
  }
}

function* describeSync(result: SyncReport, { isNoted, isDryRun }: { isNoted: boolean; isDryRun: boolean }): Generator<string> {
  const { upstream, pulled, pushed, pulledWidening, pushedWidening, finished, merged, unmerged, onto } = result;
  const commits = (count: number) => plural(count, "commit");
  if (result.isFinished) yield* describeFinished(finished);
  if (unmerged) {
    if (isDryRun) yield* describeReview(unmerged);
    yield "Nothing was changed.";
    return;
  }
  const [pull, push] = isDryRun ? ["Would pull", "Would push"] : ["Pulled", "Pushed"];
  if (onto && onto.pulled > 0) yield `${pull} ${commits(onto.pulled)} from ${onto.branch}.`;
  if (pulled > 0) yield `${pull} ${commits(pulled)} from ${upstream}.`;
  if (merged) yield* describeMerge(merged);
  if (pulledWidening.length > 0) yield describeWidening("What came from there", pulledWidening);
  // On a terminal that was said before the push.
  if (pushedWidening.length > 0 && !isNoted) yield describeWidening("This push", pushedWidening);
  if (pushed > 0) yield `${push} ${commits(pushed)} to ${upstream}.`;
  if (upstream !== "" && pulled + pushed + (onto?.pulled ?? 0) === 0) yield `Up to date with ${upstream}.`;
}
