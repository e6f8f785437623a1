import { readProfile, type TemplatePart, type Profile } from "@agent-vault/runner";
import { formatDuration, formatSecretPath } from "@agent-vault/vault";
import { VaultCommand, word } from "../../vault-command.js";

export default class ProfileShow extends VaultCommand {
  static override id = "profile show";
  static override description = "Show a profile: which variables it sets, from which secrets, and what restricts its tokens.";
  static override args = { profile: word({ description: "the profile's name", required: true }) };

  async run(): Promise<void> {
    const { args } = await this.words(ProfileShow);
    const profile = await readProfile(this.context, args.profile);
    this.print(asJson(profile), () => inWords(profile));
  }
}

function* inWords({ name, description, secrets, env, ttlMs, caveats }: Profile): Generator<string> {
  yield description === undefined ? name : `${name}: ${description}`;
  for (const { variable, secret } of secrets) yield `  ${variable} holds ${formatSecretPath(secret)}`;
  for (const { name: variable, value } of env) yield `  ${variable} is ${JSON.stringify(textOf(value))}`;
  if (ttlMs !== undefined) yield `  tokens last ${formatDuration(ttlMs)}`;
  for (const [caveat, values] of Object.entries(caveats))
    yield `  ${caveat}: ${Array.isArray(values) ? values.join(", ") : String(values)}`;
}

function asJson({ name, description, secrets, env, ttlMs, caveats }: Profile): object {
  return {
    name,
    description,
    secrets: Object.fromEntries(secrets.map(({ variable, secret }) => [variable, formatSecretPath(secret)])),
    env: Object.fromEntries(env.map(({ name: variable, value }) => [variable, textOf(value)])),
    ttl_seconds: ttlMs === undefined ? undefined : ttlMs / 1000,
    caveats,
  };
}

/** A value as it would be written, its secrets by their names. */
function textOf(value: readonly TemplatePart[]): string {
  return value.map((part) => (typeof part === "string" ? part : `{{ vault://${formatSecretPath(part.secret)} }}`)).join("");
}
