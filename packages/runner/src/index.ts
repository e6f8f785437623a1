export type { RequestedSecret, UseRequest } from "./use-request.js";
export {
  DEFAULT_TTL,
  endOf,
  lease,
  mint,
  openAuthority,
  refuseUnderToken,
  startSession,
  type Authority,
  type MintedToken,
  type MintRequest,
  type SessionRequest,
} from "./tokens/authority.js";
export { caveatsOf, readCaveat, type Caveat, type Restrictions } from "./tokens/caveats.js";
export { approvalsIn, currentSession, SESSION_VARIABLE } from "./tokens/sessions.js";
export { attenuate, parseToken, TOKEN_PREFIX, type Token } from "./tokens/token.js";
export { authenticate, presentedToken, verifyToken, type GenuineToken, type VerifiedToken } from "./tokens/verify.js";
