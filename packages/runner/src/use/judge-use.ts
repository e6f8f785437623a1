import { VaultError, type VaultFiles } from "@agent-vault/vault/read-only";
import { decide, joinDecisions, type DecideOptions, type Decision } from "../policy/decide.js";
import type { PolicyDecision } from "../policy/explain.js";
import { readPolicy } from "../policy/read-policy.js";
import { refusalOf } from "../policy/require-allowed.js";
import type { UseRequest } from "../policy/use-request.js";
import { homeUse, type HomeRules } from "./home-rules.js";

/** What the policies that count say of a use. */
export interface Judgement {
  /** Of all of them together. */
  readonly decision: Decision;
  /** Of the state that is used, and then of the main branch where that judges as well. */
  readonly parts: readonly PolicyDecision[];
  /** The error to fail with where the use is not allowed. */
  readonly refusal: VaultError | undefined;
}

/**
 * The one judgement on a use by the policies that count, which `policy explain` shows and every door follows.
 * @param files of the state that is used, verified
 * @param homes of the vault's main branch, where its rules judge as well
 * @throws VaultError `INVALID_POLICY`
 */
export async function judgeUse(
  files: VaultFiles,
  homes: readonly HomeRules[],
  use: UseRequest,
  options: DecideOptions = {},
): Promise<Judgement> {
  const here = partOf(await readPolicy(files), use, options);
  const parts = [here];
  let refusal = refusalOf(here.decision, here.request);
  for (const home of homes) {
    // What is refused is refused: the main branch can only add to it.
    if (refusal) break;
    const atHome = await homeUse(home, use);
    const there = partOf(atHome.policy, atHome.use, options);
    parts.push(there);
    refusal = byHome(refusalOf(there.decision, there.request));
  }
  return { decision: joinDecisions(parts.map(({ decision }) => decision)), parts, refusal };
}

function partOf(policy: PolicyDecision["policy"], request: UseRequest, options: DecideOptions): PolicyDecision {
  return { policy, request, decision: decide(policy, request, options) };
}

function byHome(refusal: VaultError | undefined): VaultError | undefined {
  return (
    refusal &&
    new VaultError(refusal.code, `On the vault's main branch, which counts on every branch: ${refusal.message}`, {
      remedy: `${refusal.remedy} Merge the main branch to have one policy.`,
      cause: refusal,
    })
  );
}
