export type { RequestedSecret, UseRequest } from "./use-request.js";
export { requestedSecret } from "./requested-secret.js";
export { decide, requireAllowed, ruleName, type Decision, type SecretDecision, type Verdict } from "./policy/decide.js";
export { explain, type Explanation, type SecretExplanation } from "./policy/explain.js";
export { initPolicy } from "./policy/init-policy.js";
export { parsePolicy } from "./policy/parse-policy.js";
export { APPROVALS, type Approval, type Policy, type Rule } from "./policy/policy.js";
export { readPolicy } from "./policy/read-policy.js";
export { reviewPolicy, type KnownNames } from "./policy/review.js";
export { CAVEAT_NAMES, secretsOf, type CaveatName, type Profile, type ProfileCaveats } from "./profiles/profile.js";
export { profilesFile, readProfile, readProfiles } from "./profiles/read-profiles.js";
export { parseEnvFile, type EnvEntry } from "./references/env-file.js";
export { secretsIn, type Part } from "./references/reference.js";
export { parseTemplate, type Template } from "./references/template.js";
export {
  distinctVariables,
  parseInjectArgument,
  parseSecretArgument,
  requireVariableName,
  variableName,
  type SecretVariable,
} from "./references/variables.js";
