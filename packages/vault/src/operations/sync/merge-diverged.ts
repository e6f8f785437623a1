import type { Identity } from "../../age/identity.js";
import { parentState } from "../../change/parents.js";
import { signState } from "../../change/sign-state.js";
import { requireSigner } from "../../change/signed-change.js";
import { differenceBetween } from "../../difference/difference.js";
import { ERROR_CODES, VaultError } from "../../errors.js";
import { withoutUnchanged, type FileChanges } from "../../files/changes.js";
import type { VaultState } from "../../files/vault-state.js";
import { classify, CONFIG_FILE } from "../../format/layout.js";
import { writeTree } from "../../git/commit-tree.js";
import { withAllBranches } from "../../git/fetch-refs.js";
import type { Keys } from "../../keys/keys.js";
import { formerOwnerKeys } from "../../keys/former-owner-keys.js";
import { ownerIdentityAmong } from "../../keys/owner-identity.js";
import { SigningKey } from "../../keys/signing-key.js";
import { digestOf, type Digest } from "../../lock/digest.js";
import { inOrder, type MergeInput } from "../../merge/merge-input.js";
import { MergeState } from "../../merge/merge-state.js";
import { changesFrom, mergeStates, type Merged } from "../../merge/merge.js";
import { actorOf, onRecord, secretsAmong } from "../../record/on-record.js";
import type { DivergedSides, JoinWith, MergeDiverged, SyncedClone } from "../../sync/synced-clone.js";
import { diverged } from "../../sync/compare-sides.js";
import { findCommonStates, type CommonStates } from "../../trust/common-states.js";
import type { Lineage } from "../../trust/lineage.js";
import type { CommittedState } from "../../trust/newest-trusted-state.js";
import { rememberMade } from "../../trust/remember.js";
import { compareValues, encryptMerged } from "./encrypt-merged.js";
import { MergeConflictError, type MergeReport, type MergeReview, type ReviewedSide } from "./merge-review.js";

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

/** A merge that needs a key, or a record, that a person has to unlock first. Nobody is asked while others wait for the vault. */
export class StillLocked extends Error {}

/**
 * Merges two states for an owner: by what they mean, with a person's answers where only they can tell, encrypted for the readers of the
 * result, and signed as one state that follows both.
 * @throws VaultError `CONFLICT` ({@link MergeConflictError} with what is to be decided; `DivergedError` without an owner's key),
 *   `NOT_AUTHORIZED` where this owner is none on the other side; {@link NotMerged}, {@link StillLocked}
 */
export function mergingBy(choice: MergeChoice): MergeDiverged {
  return async (clone, sides, join) => {
    const keys = await ownersKeys(clone, sides, choice);
    const { owner, signingKey } = await requireOwnerOfBoth(clone, sides, keys);
    const input = await mergeInputOf(clone, sides);
    const identities = [owner, ...formerOwnerKeys(clone.context, sides.here.signed.lock.vault)];
    const blind = mergeStates(input);
    // What nobody has answered, and where no values are to be compared, is merged already.
    const draft = blind.comparable.size === 0 ? input : { ...input, equalValues: await compareValues(input, blind, identities) };
    const unanswered = draft === input ? blind : mergeStates(draft);
    const review = reviewOf(clone, sides, draft, unanswered);
    const answers = answersTo(review, choice);
    const merged = answers.size === 0 ? unanswered : mergeStates({ ...draft, answers });
    choice.report(reportOf(sides, review, merged, answers));
    const open = { ...review, questions: merged.questions };
    if (choice.dryRun || choice.isUnseen?.(open)) throw new NotMerged(open);
    if (merged.questions.length > 0) throw new MergeConflictError(open);
    return signMerged({ clone, sides, input, merged, keys, identities, signingKey }, join);
  };
}

/** @throws DivergedError without an owner's key: agents and CI take what owners have merged */
async function ownersKeys(clone: SyncedClone, sides: DivergedSides, { unlocked, dryRun }: MergeChoice): Promise<Keys> {
  const { context, root, trust } = clone;
  if (unlocked === "none") throw await diverged(clone, sides);
  const keys = unlocked ?? trust.keys;
  if (!keys) throw new StillLocked();
  try {
    await ownerIdentityAmong(keys, sides.here.state);
  } catch (error) {
    if (!(error instanceof VaultError) || ERROR_CODES[error.code].kind !== "key") throw error;
    throw await diverged(clone, sides);
  }
  const isOpen = dryRun || (await context.recorder?.unlock?.(context, { root, vault: sides.here.signed.lock.vault, keys }, false));
  if (isOpen === false) throw new StillLocked();
  return keys;
}

/** @throws VaultError `NOT_AUTHORIZED`, `UNTRUSTED_SIGNER` */
async function requireOwnerOfBoth(
  { followed, trust }: SyncedClone,
  { here, there }: DivergedSides,
  keys: Keys,
): Promise<{ owner: Identity; signingKey: SigningKey }> {
  const owner = await ownerIdentityAmong(keys, here.state);
  const signingKey = new SigningKey(owner, here.signed.lock.vault);
  requireSigner(signingKey, here.signed.lock);
  if (trust.history.isOwnerIn(there.trusted.lock, signingKey.publicKey)) return { owner, signingKey };
  const names = there.trusted.lock.owners.map(({ name }) => name).join(", ");
  throw new VaultError(
    "NOT_AUTHORIZED",
    `You are not an owner of the vault on ${followed.upstream.name}, so you cannot merge it with yours.`,
    {
      remedy: `An owner there (${names}) decides: they take over what you have changed, or add you again with agent-vault add-owner. Nothing was changed.`,
    },
  );
}

/** The states as the merge looks at them, in its order. */
async function mergeInputOf(clone: SyncedClone, { here, there }: DivergedSides): Promise<MergeInput> {
  const { states, isComplete } = await commonStates(clone, here.signed.lineage, there.trusted.lineage);
  const sides = [mergeStateOf(here), mergeStateOf({ signed: there.trusted, state: there.state })] as const;
  return inOrder({ bases: { states: states.map(mergeStateOf), isComplete }, sides });
}

/** The states that both go back to, with what the remote has of them where this clone lacks one. */
async function commonStates({ context, trust, repository, followed }: SyncedClone, first: Lineage, second: Lineage): Promise<CommonStates> {
  const find = () => findCommonStates(trust, repository, first, second);
  const found = find();
  if (found.isComplete) return found;
  context.note?.(`Fetching all branches of ${followed.name}, as this clone does not hold the state that both sides go back to.`);
  const look = () => {
    trust.history.forget();
    return find();
  };
  // What the remote does not give is missing, and a person is asked.
  return withAllBranches(repository, followed.name, look).catch((error: unknown) => {
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

function reviewOf({ followed }: SyncedClone, { here, there }: DivergedSides, input: MergeInput, merged: Merged): MergeReview {
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
  const isMerge = ({ signed }: Pick<MergeState, "signed">) => signed.lock.previous.length > 1;
  return {
    ours: side("here", here, there.state),
    theirs: side(followed.upstream.name, { signed: there.trusted, state: there.state }, here.state),
    questions: merged.questions,
    notes: merged.notes,
    isFirst: ![here, { signed: there.trusted }].some(isMerge) && !input.bases.states.some(isMerge),
    encrypted: merged.encryptions.length + merged.kept.length,
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
  { here, there }: DivergedSides,
  { isFirst, theirs }: MergeReview,
  merged: Merged,
  answers: ReadonlyMap<string, Digest>,
): MergeReport {
  return {
    isFirst,
    branch: theirs.name,
    parents: [here.signed.digest, there.trusted.digest],
    notes: merged.notes,
    encrypted: merged.encryptions.length + merged.kept.length,
    answered: [...answers].map(([id, digest]) => ({ id, side: digest === here.signed.digest ? "ours" : "theirs" })),
  };
}

interface Decided {
  readonly clone: SyncedClone;
  readonly sides: DivergedSides;
  readonly input: MergeInput;
  readonly merged: Merged;
  readonly keys: Keys;
  readonly identities: readonly Identity[];
  readonly signingKey: SigningKey;
}

/** Encrypts and signs the result, and brings it together with the code. */
async function signMerged({ clone, sides, input, merged, keys, identities, signingKey }: Decided, join: JoinWith): Promise<CommittedState> {
  const { context, repository, trust, followed } = clone;
  const { here, there } = sides;
  const title = `Merge ${followed.upstream.name}`;
  const message = messageOf(title, merged);
  const present = await onRecord(context, async (begin) => {
    const ours = input.sides[0].digest === here.signed.digest ? 0 : 1;
    const files: FileChanges = new Map([...changesFrom(input, merged, ours), ...(await encryptMerged(context, input, merged, identities))]);
    const changed = withoutUnchanged(here.state.source, files);
    const actor = actorOf(here.state, keys, here.signed.lock.vault);
    const anchor = await begin(actor, { what: message.replaceAll(/\s*\n\s*/g, " "), secrets: secretsAmong(changed) });
    const next = signState(context, signingKey, {
      vault: here.signed.lock.vault,
      parents: [parentState(trust.history, here.state, here.signed), parentState(trust.history, there.state, there.trusted)],
      owners: merged.signers,
      digests: input.sides[ours].digests,
      config: here.state.read(CONFIG_FILE),
      files,
      merge: merged.encryptions.length + merged.kept.length === 0 ? "as-it-is" : "re-encrypted",
      anchor,
    });
    const folder = repository.pathOf(clone.root);
    const ofVault = withoutUnchanged(here.state.source, next.files);
    const root = await writeTree(repository, { parent: here.commit, message: title, folder, files: ofVault });
    const tree = (await repository.run(["rev-parse", `${root}:${folder}`])).trim();
    return join({ tree, message });
  });
  rememberMade(trust, present.signed);
  return present;
}

/** What the merge says, in the commit in which both sides come together. */
function messageOf(title: string, { notes }: Merged): string {
  const said = notes.filter(({ kind }) => kind !== "removed").map(({ text }) => `- ${text}`);
  return said.length === 0 ? title : `${title}\n\n${said.join("\n")}`;
}
