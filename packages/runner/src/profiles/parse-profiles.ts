import { parse, TomlError } from "smol-toml";
import { parseSecretPath, variableName, VaultError, type SecretPath } from "@agent-vault/vault/read-only";
import { ConfigField } from "../policy/config-field.js";
import { referencesIn } from "../references/env-file.js";
import { distinctVariables, requireVariableName, type SecretVariable } from "../references/variables.js";
import { CAVEAT_NAMES, type Profile, type ProfileCaveats } from "./profile.js";

/** Caveats that may be in the profile itself, as llm-secrets has them. */
const SHORT_CAVEATS = ["repo", "branch", "agent"] as const;

/**
 * Reads a file of profiles.
 * @param file names it in errors
 * @returns by name, in the file's order
 * @throws VaultError `INVALID_PROFILE`: with line and column where it is not TOML, else with the profile and its field
 */
export function parseProfiles(text: string, file: string): ReadonlyMap<string, Profile> {
  const root = new ConfigField(parseToml(text, file), (path, _of, problem, hint) =>
    invalid(file, `${path.map(String).join(".") || "the file"} ${problem}`, hint),
  );
  return new Map(root.entries().map(([name, field]) => [name, parseProfile(name, field)]));
}

function parseToml(text: string, file: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const problem = error.message.split("\n")[0]!.replace(/^Invalid TOML document: /, "");
    throw invalid(`${file}, line ${error.line}, column ${error.column}`, problem, "", error);
  }
}

function parseProfile(name: string, field: ConfigField): Profile {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name))
    throw field.nameError("is not a profile's name, which has letters, digits, '.', '_' and '-'");
  const fields = field.table(["description", "secrets", "env", "ttl", "caveats", ...SHORT_CAVEATS]);
  const { secrets, env } = variablesOf(fields.secrets, fields.env);
  if (secrets.length === 0 && env.every(({ value }) => value.every((part) => typeof part === "string")))
    throw field.error("names no secret", 'Add secrets = ["GROUP/NAME"]. ');
  return {
    name,
    description: fields.description?.text(),
    secrets: checked(field, () => distinctVariables(secrets)),
    env,
    ttlMs: fields.ttl?.duration(),
    caveats: parseCaveats(fields.caveats, fields),
  };
}

/** A secret's variable is named by a table of secrets, or by a variable in `env` whose value is one of the list's secrets, or derived. */
function variablesOf(secrets: ConfigField | undefined, env: ConfigField | undefined): Pick<Profile, "secrets" | "env"> {
  const named: SecretVariable[] = [];
  const listed = new Set<SecretPath>();
  if (Array.isArray(secrets?.value)) for (const field of secrets.list()) listed.add(secretOf(field));
  else
    for (const [variable, field] of secrets?.entries() ?? [])
      named.push({ variable: variableOf(variable, field), secret: secretOf(field) });

  const plain: (Profile["env"][number] & { readonly field: ConfigField })[] = [];
  for (const [variable, field] of env?.entries() ?? []) {
    const name = variableOf(variable, field);
    const text = field.value === "" ? "" : field.text();
    const secret = [...listed].find((path) => path === secretNamed(text));
    if (secret === undefined)
      plain.push({
        name,
        value: referencesIn(text, (problem) => field.error(`is wrong: ${problem}`, "A reference is vault://GROUP/NAME. ")),
        field,
      });
    else named.push({ variable: name, secret });
  }
  for (const secret of listed) {
    if (!named.some((other) => other.secret === secret)) named.push({ variable: variableOf(variableName(secret), secrets!), secret });
  }
  for (const { name, field } of plain)
    if (named.some(({ variable }) => variable === name)) throw field.nameError("is set by secrets as well");
  return { secrets: named, env: plain.map(({ name, value }) => ({ name, value })) };
}

function variableOf(name: string, field: ConfigField): string {
  return checked(field, () => requireVariableName(name));
}

function secretOf(field: ConfigField): SecretPath {
  return checked(field, () => parseSecretPath(field.text()));
}

function secretNamed(text: string): SecretPath | undefined {
  try {
    return parseSecretPath(text);
  } catch {
    return undefined;
  }
}

function parseCaveats(
  caveats: ConfigField | undefined,
  short: { readonly [name in (typeof SHORT_CAVEATS)[number]]?: ConfigField },
): ProfileCaveats {
  const fields = caveats?.table([...CAVEAT_NAMES, "uses"]) ?? {};
  const uses = fields.uses?.value;
  if (fields.uses && !(Number.isSafeInteger(uses) && Number(uses) > 0)) throw fields.uses.error("is not a number of uses");
  for (const name of SHORT_CAVEATS) if (short[name] && fields[name]) throw short[name].nameError("is among the caveats as well");
  const given = CAVEAT_NAMES.flatMap((name) => {
    const field = fields[name] ?? (short as { readonly [name: string]: ConfigField | undefined })[name];
    return field ? [[name, field.texts().map((text) => text.text())] as const] : [];
  });
  return { ...Object.fromEntries(given), ...(fields.uses && { uses: Number(uses) }) };
}

/** What a reader of one value finds wrong, as an error of the profile's field. */
function checked<T>(field: ConfigField, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof VaultError) || error.code === "INVALID_PROFILE") throw error;
    throw field.error(`is wrong: ${error.message.replace(/\.$/, "")}`, `${error.remedy ?? ""} `);
  }
}

function invalid(file: string, problem: string, hint: string, cause?: unknown): VaultError {
  return new VaultError("INVALID_PROFILE", `${file}: ${problem.replace(/\.$/, "")}.`, {
    remedy: hint.trim() || "Correct the file.",
    cause,
  });
}
