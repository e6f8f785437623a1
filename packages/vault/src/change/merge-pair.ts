import type { Identity } from "../age/identity.js";
import { differenceBetween } from "../difference/difference.js";
import { VaultError } from "../errors.js";
import type { VaultState } from "../files/vault-state.js";
import { withoutUnchanged, type FileChanges } from "../files/changes.js";
import { classify, CONFIG_FILE } from "../format/layout.js";
import { writeTree } from "../git/commit-tree.js";
import { withAllBranches } from "../git/fetch-refs.js";
import type { GitRepository } from "../git/repository.js";
import type { Keys } from "../keys/keys.js";
import { formerOwnerKeys } from "../keys/former-owner-keys.js";
import type { SigningKey } from "../keys/signing-key.js";
import { digestOf, type Digest } from "../lock/digest.js";
import type { SignedLock } from "../lock/open-lock.js";
import { inOrder, type MergeInput } from "../merge/merge-input.js";
import { MergeState } from "../merge/merge-state.js";
import { changesFrom, mergeStates, type Merged } from "../merge/merge.js";
import { actorOf, secretsAmong, type Begin } from "../record/on-record.js";
import { findCommonStates, type CommonStates } from "../trust/common-states.js";
import type { CommittedState } from "../trust/newest-trusted-state.js";
import type { TrustContext } from "../trust/trust-context.js";
import { compareValues, encryptMerged } from "./encrypt-merged.js";
import { requireOwnerOfBoth } from "./merge-owner.js";
import { MergeConflictError, type MergeReport, type MergeReview, type ReviewedSide } from "./merge-review.js";
import { parentState } from "./parents.js";
import { signState } from "./sign-state.js";

/** Two states that become one. */
export interface MergePair {
  readonly trust: TrustContext;
  readonly repository: GitRepository;
  readonly here: CommittedState;
  readonly there: Pick<CommittedState, "signed" | "state">;
  /** The branch that the other one comes from, as a person says it. */
  readonly branch: string;
  /** Where not all of the other state is wanted, but what it changed of this one. Then the result does not follow it. */
  readonly since?: CommittedState | undefined;
  /** Whether a person has to see it before it is signed. */
  readonly mustBeSeen?: boolean | undefined;
  /** The remote that may hold a state which both go back to and this clone lacks; absent for none. */
  readonly remote?: string | undefined;
}

/** How an owner decides over a merge. */
export interface MergeChoice {
  /** The keys of who merges, where a person was asked to unlock them, `none` where there are none; else those that are here and need nobody. */
  readonly unlocked?: Keys | "none" | undefined;
  /** The side whose answer counts in every conflict. */
  readonly side?: "ours" | "theirs" | undefined;
  /** What a person has answered, by the questions' ids; the digest of each side stands for itself, so an answer is of no other merge. */
  readonly answers?: ReadonlyMap<string, Digest> | undefined;
  /** Whether there is a person to ask, who has not seen this merge yet. */
  isUnseen?(review: MergeReview): boolean;
  /** Works everything out and changes nothing. */
  readonly dryRun?: boolean | undefined;
  /** Takes what was merged, or would be in a dry run. */
  report(merged: MergeReport): void;
}

/** A merge that is only looked at, or that a person has to see first. Nobody is asked while others wait for the vault. */
export class NotMerged extends Error {
  readonly review: MergeReview;

  constructor(review: MergeReview) {
    super();
    this.review = review;
  }
}

/** A merge in which nothing is open. */
export interface DecidedMerge {
  readonly pair: MergePair;
  readonly input: MergeInput;
  readonly merged: Merged;
  readonly keys: Keys;
  readonly identities: readonly Identity[];
  readonly signingKey: SigningKey;
}

/**
 * Merges two states by what they mean, with a person's answers where only they can tell.
 * @throws VaultError `CONFLICT` ({@link MergeConflictError} with what is to be decided), `NOT_AUTHORIZED` where this owner is none on the
 *   other side, `UNTRUSTED_SIGNER`; {@link NotMerged}
 */
export async function decideMerge(pair: MergePair, keys: Keys, choice: MergeChoice): Promise<DecidedMerge> {
  const { owner, signingKey } = await requireOwnerOfBoth(pair, keys);
  const input = await mergeInputOf(pair);
  const identities = [owner, ...formerOwnerKeys(pair.trust.context, pair.here.signed.lock.vault)];
  const blind = mergeStates(input);
  // What nobody has answered, and where no values are to be compared, is merged already.
  const draft = blind.comparable.size === 0 ? input : { ...input, equalValues: await compareValues(input, blind, identities) };
  const unanswered = draft === input ? blind : mergeStates(draft);
  const review = reviewOf(pair, draft, unanswered);
  const answers = answersTo(review, choice);
  const merged = answers.size === 0 ? unanswered : mergeStates({ ...draft, answers });
  choice.report(reportOf(pair, review, merged, answers));
  const open = { ...review, questions: merged.questions };
  if (choice.dryRun || choice.isUnseen?.(open)) throw new NotMerged(open);
  if (merged.questions.length > 0) throw new MergeConflictError(open);
  if (review.mustBeSeen && !choice.isUnseen) throw unseen(pair);
  return { pair, input, merged, keys, identities, signingKey };
}

/** A merged state that was signed, and the tree of its folder in git's objects; no branch, index or file has it yet. */
export interface SignedMerge {
  readonly tree: string;
  readonly message: string;
  readonly signed: SignedLock;
}

/** Encrypts and signs what was decided. @param title the commit's subject */
export async function signMerge(
  { pair, input, merged, keys, identities, signingKey }: DecidedMerge,
  title: string,
  begin: Begin,
): Promise<SignedMerge> {
  const { trust, repository, here, there, since } = pair;
  const { context } = trust;
  const message = messageOf(title, merged);
  const ours = input.sides[0].digest === here.signed.digest ? 0 : 1;
  const { digests } = input.sides[ours];
  const files: FileChanges = new Map([...changesFrom(input, merged, ours), ...(await encryptMerged(context, input, merged, identities))]);
  const changed = withoutUnchanged(here.state.source, files, digests);
  const actor = actorOf(here.state, keys, here.signed.lock.vault);
  const anchor = await begin(actor, { what: message.replaceAll(/\s*\n\s*/g, " "), secrets: secretsAmong(changed) });
  const parents = [here, ...(since ? [] : [there])].map(({ state, signed }) => parentState(trust.history, state, signed));
  const next = signState(context, signingKey, {
    vault: here.signed.lock.vault,
    parents,
    owners: merged.signers,
    digests,
    config: here.state.read(CONFIG_FILE),
    files,
    ...(!since && { merge: merged.encryptions.length + merged.kept.length === 0 ? "as-it-is" : "re-encrypted" }),
    anchor,
  });
  const folder = repository.pathOf(trust.root);
  const ofVault = withoutUnchanged(here.state.source, next.files, digests);
  const root = await writeTree(repository, { parent: here.commit, message: title, folder, files: ofVault });
  const tree = (await repository.run(["rev-parse", `${root}:${folder}`])).trim();
  return { tree, message, signed: next.signed };
}

/** The states as the merge looks at them, in its order. */
async function mergeInputOf(pair: MergePair): Promise<MergeInput> {
  const { here, there, since } = pair;
  const { states, isComplete } = since ? { states: [since], isComplete: true } : await commonStates(pair);
  const sides = [mergeStateOf(here), mergeStateOf(there)] as const;
  const bases = states.map(mergeStateOf);
  preloadDiffering([...sides, ...bases]);
  return inOrder({ bases: { states: bases, isComplete }, sides });
}

/** Reads the files that are not the same in all states, of each state at once: the merge looks at no others. */
function preloadDiffering(states: readonly MergeState[]): void {
  const files = new Set(states.flatMap(({ digests }) => [...digests.keys()]));
  const differing = [...files].filter((file) => states.some(({ digests }) => digests.get(file) !== states[0]!.digests.get(file)));
  for (const { vault, digests } of states) vault.source.preload?.(differing.filter((file) => digests.has(file)));
}

/** The states that both go back to, with what the remote has of them where this clone lacks one. */
async function commonStates({ trust, repository, remote, here, there }: MergePair): Promise<CommonStates> {
  const find = () => findCommonStates(trust, repository, here.signed.lineage, there.signed.lineage);
  const found = find();
  if (found.isComplete || remote === undefined) return found;
  trust.context.note?.(`Fetching all branches of ${remote}, as this clone does not hold the state that both sides go back to.`);
  const look = () => {
    trust.history.forget();
    return find();
  };
  // What the remote does not give is missing, and a person is asked.
  return withAllBranches(repository, remote, look).catch((error: unknown) => {
    if (!(error instanceof VaultError)) throw error;
    return found;
  });
}

/** A verified state, as the merge looks at it. @throws VaultError `TAMPERED` */
function mergeStateOf({ signed, state }: Pick<CommittedState, "signed" | "state">): MergeState {
  const strays = new Map<string, Digest>();
  for (const { file, kind } of state.source.walk())
    if (kind === "file" && classify(file).kind === "stray") strays.set(file, digestOf(state.source.read(file)!));
  return new MergeState(signed, state, state.signed!.requireAll(), strays);
}

function reviewOf({ trust, here, there, branch, since, mustBeSeen = false }: MergePair, input: MergeInput, merged: Merged): MergeReview {
  const side = (name: string, { signed, state }: Pick<CommittedState, "signed" | "state">, other: VaultState): ReviewedSide => ({
    name,
    digest: signed.digest,
    sequence: signed.lock.sequence,
    signer: signed.lock.owners.find(({ key }) => key === signed.signer)?.name ?? "an unnamed owner",
    signedAt: signed.lock.signedAt,
    // Most merges are shown to nobody.
    get changes() {
      return differenceBetween(input.bases.isComplete ? input.bases.states[0]?.vault : other, state).changes;
    },
  });
  const isMerge = ({ lock }: SignedLock) => lock.previous.length > 1;
  const isKnown = ({ digest }: SignedLock) =>
    [here, there].some(({ signed }) => signed.digest === digest || signed.lineage.lists(digest) === true);
  // What ours has behind it was given up or replaced since, and what is picked from before a change takes it back.
  const isOld =
    since !== undefined &&
    (here.signed.lineage.lists(there.signed.digest) === true || there.signed.lineage.lists(since.signed.digest) !== true);
  return {
    ours: side("here", here, there.state),
    theirs: side(branch, there, here.state),
    questions: merged.questions,
    notes: merged.notes,
    isFirst: since === undefined && !trust.history.states().some((state) => isMerge(state) && isKnown(state)),
    encrypted: merged.encryptions.length + merged.kept.length,
    mustBeSeen: mustBeSeen || isOld,
  };
}

function answersTo(review: MergeReview, { side, answers }: MergeChoice): ReadonlyMap<string, Digest> {
  const all = new Map(answers);
  if (side === undefined) return all;
  // Neither side is the answer where nothing tells what each has added.
  for (const { id, kind } of review.questions) if (kind !== "base") all.set(id, review[side].digest);
  return all;
}

function reportOf(
  { here, there }: MergePair,
  { isFirst, theirs }: MergeReview,
  merged: Merged,
  answers: ReadonlyMap<string, Digest>,
): MergeReport {
  return {
    isFirst,
    branch: theirs.name,
    parents: [here.signed.digest, there.signed.digest],
    notes: merged.notes,
    encrypted: merged.encryptions.length + merged.kept.length,
    answered: [...answers].map(([id, digest]) => ({ id, side: digest === here.signed.digest ? "ours" : "theirs" })),
  };
}

function unseen({ branch }: MergePair): VaultError {
  return new VaultError(
    "CONFIRMATION_REQUIRED",
    `A change of ${branch} was repeated here by git, and what it means has to be seen by a person before it is signed.`,
    {
      remedy: "Run agent-vault sync on a terminal: it shows what that means, and asks. Nothing was changed.",
    },
  );
}

/** What the merge says, in the commit in which both sides come together. */
function messageOf(title: string, { notes }: Merged): string {
  const said = notes.filter(({ kind }) => kind !== "removed").map(({ text }) => `- ${text}`);
  return said.length === 0 ? title : `${title}\n\n${said.join("\n")}`;
}
