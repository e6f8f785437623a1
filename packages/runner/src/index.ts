export { NO_COMMAND, type Door, type RequestedSecret, type RequestedVariable, type UseRequest } from "./policy/use-request.js";
export {
  DEFAULT_TTL_MS,
  expiryAfter,
  lease,
  mint,
  openAuthority,
  startSession,
  type Authority,
  type MintedToken,
  type MintRequest,
  type SessionRequest,
} from "./tokens/authority.js";
export { caveatsOf, readCaveat, type Caveat, type Restrictions } from "./tokens/caveats.js";
export { approvalsIn, currentSession, SESSION_VARIABLE } from "./tokens/sessions.js";
export { reviewRestrictions } from "./tokens/review.js";
export { attenuate, parseToken, TOKEN_PREFIX, type Token } from "./tokens/token.js";
export { refuseUnderToken } from "./tokens/refuse-under-token.js";
export { authenticate, verifyToken, type GenuineToken, type VerifiedToken } from "./tokens/verify.js";
export { requestedSecret } from "./use/requested-secrets.js";
export { decide, type Decision, type SecretDecision } from "./policy/decide.js";
export type { Verdict } from "./policy/evaluate-rule.js";
export { requireAllowed } from "./policy/require-allowed.js";
export { ruleName } from "./policy/rule-name.js";
export { explain, explainDecision, type Explanation, type PolicyDecision, type SecretExplanation } from "./policy/explain.js";
export { initPolicy } from "./policy/init-policy.js";
export { parsePolicy } from "./policy/parse-policy.js";
export { APPROVAL_CHANNELS, APPROVALS, type Approval, type ApprovalChannel, type Policy, type Rule } from "./policy/policy.js";
export { readPolicy } from "./policy/read-policy.js";
export { reviewPolicy, type KnownNames } from "./policy/review.js";
export { CAVEAT_NAMES, secretsOf, type CaveatName, type Profile, type ProfileCaveats } from "./profiles/profile.js";
export { profilesFile, readProfile, readProfiles } from "./profiles/read-profiles.js";
export { parseEnvFile, type EnvEntry } from "./references/env-file.js";
export { filtered } from "./references/filters.js";
export { secretsIn, type SecretReference, type TemplatePart } from "./references/reference.js";
export { parseTemplate, type Template } from "./references/template.js";
export {
  distinctVariables,
  parseInjectArgument,
  parseSecretArgument,
  requireVariableName,
  type SecretVariable,
} from "./references/variables.js";
export { childEnvironment, cleanEnvironment } from "./child/child-environment.js";
export type { ChildEnd, ChildOutput, ChildRequest } from "./child/child-request.js";
export { endLike, runChild } from "./child/run-child.js";
export { SecretFiles } from "./child/secret-files.js";
export { shellCommand } from "./child/shell-command.js";
export { MIN_SECRET_LENGTH } from "./scrub/compiled-secrets.js";
export { KnownSecrets, type SecretToScrub } from "./scrub/known-secrets.js";
export { base64Alignments } from "./scrub/encodings/base64-alignments.js";
export { secretShapes } from "./scrub/shapes.js";
export { textForms } from "./scrub/text-forms.js";
export type { Scrubber } from "./scrub/scrubber.js";
export type { ScrubStream } from "./scrub/scrub-stream.js";
export {
  APPROVAL_TIMEOUT_MS,
  askApproval,
  confirmOwnersCommand,
  type Answer,
  type ApprovalOptions,
  type Channel,
} from "./approval/ask-approval.js";
export type { ApprovalQuestion, Reply } from "./approval/reply.js";
export { approvedUse, SessionApprovals, type ApprovalMemory } from "./approval/memory.js";
export { displaySafeName, displaySafeText } from "./approval/display-safe.js";
export { questionText, type OwnersCommand, type QuestionRoom, type QuestionText } from "./approval/question-text.js";
export { authorize, personalApprover, type Approver, type AskOptions, type Authorization } from "./use/authorize.js";
export { judgeUse, type Judgement } from "./use/judge-use.js";
export { authorizeRead, authorizeUnrecordedRead } from "./use/authorize-read.js";
export { openUse, type OpenedUse, type SecretUse, type UseEnding } from "./use/open-use.js";
export { runWithSecrets, type RunRequest } from "./use/run.js";
export { inject, type InjectRequest } from "./use/inject.js";
