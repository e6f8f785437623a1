import { readProfile, type TemplatePart, type Profile } from "@agent-vault/runner";
import { formatDuration, formatSecretPath } from "@agent-vault/vault";
import { argument } from "../../flags/common-flags.js";
import { VaultCommand } from "../../vault-command.js";

export default class ProfileShow extends VaultCommand {
  static override helpGroup = "limits" as const;
  static override summary = "Show a profile";
  static override needsPerson = "never" as const;
  static override description = "Shows its variables, their secrets and the restrictions of its tokens.";
  static override args = { profile: argument({ description: "the profile's name", required: true }) };
  static override allowsToken = true;

  async run(): Promise<void> {
    const { args } = await this.parseCommandLine(ProfileShow);
    const profile = await readProfile(this.context, args.profile);
    this.print(asJson(profile), () => formatProfile(profile));
  }
}

function* formatProfile({ name, description, secrets, env, ttlMs, caveats }: Profile): Generator<string> {
  yield description === undefined ? name : `${name}: ${description}`;
  for (const { variable, secret } of secrets) yield `  ${variable} is the secret ${formatSecretPath(secret)}`;
  for (const { name: variable, value } of env) yield `  ${variable} is ${JSON.stringify(formatTemplate(value))}`;
  if (ttlMs !== undefined) yield `  tokens last ${formatDuration(ttlMs)}`;
  for (const [caveat, values] of Object.entries(caveats))
    yield `  ${caveat}: ${Array.isArray(values) ? values.join(", ") : String(values)}`;
}

function asJson({ name, description, secrets, env, ttlMs, caveats }: Profile): object {
  return {
    name,
    description,
    secrets: Object.fromEntries(secrets.map(({ variable, secret }) => [variable, formatSecretPath(secret)])),
    env: Object.fromEntries(env.map(({ name: variable, value }) => [variable, formatTemplate(value)])),
    ttl_seconds: ttlMs === undefined ? undefined : ttlMs / 1000,
    caveats,
  };
}

/** The value as it is written in the profile, with references in place of secrets. */
function formatTemplate(value: readonly TemplatePart[]): string {
  return value
    .map((part) => (typeof part === "string" ? part : `{{ vault://${formatSecretPath(part.secret)}${part.filterText ?? ""} }}`))
    .join("");
}
