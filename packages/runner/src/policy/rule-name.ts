import type { Rule } from "./policy.js";

/** As messages name a rule. */
export function ruleName({ name, position, line }: Rule): string {
  return `rule ${name === undefined ? position : JSON.stringify(name)} (line ${line})`;
}
