import type { UseRequest } from "../policy/use-request.js";

/** What a person is asked to approve. */
export interface ApprovalQuestion {
  readonly request: UseRequest;
  /** Whether the answer may hold for the rest of the session. */
  readonly forSession: boolean;
  /** What was allowed before and is most like it; `undefined` where nothing was, or where that is not known. */
  readonly before?: UseRequest | undefined;
}

/** What a person answers; `why` is a sentence that follows "The use was not approved:". */
export type Reply = { readonly scope: "once" | "session" } | { readonly scope: "deny"; readonly why: string };
