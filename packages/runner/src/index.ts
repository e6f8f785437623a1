export type { Holder, RequestedSecret, UseRequest } from "./use-request.js";
export { childEnvironment, cleanEnvironment } from "./child/child-environment.js";
export { endLike, runChild, type ChildEnd, type ChildOutput, type ChildRequest } from "./child/run-child.js";
export { SecretFiles } from "./child/secret-files.js";
export { shellCommand } from "./child/shell-command.js";
export {
  APPROVAL_TIMEOUT,
  askApproval,
  type Answer,
  type ApprovalOptions,
  type ApprovalQuestion,
  type Channel,
} from "./approval/ask-approval.js";
export { approvedUse, SessionApprovals, type ApprovalMemory } from "./approval/memory.js";
export { questionText, type QuestionRoom, type QuestionText } from "./approval/question-text.js";
