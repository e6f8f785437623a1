import { formatSecretPath, parseSecretPath, variableName, VaultError, type SecretPath } from "@agent-vault/vault/read-only";

/** An environment variable that is to hold a secret. */
export interface SecretVariable {
  readonly variable: string;
  readonly secret: SecretPath;
}

/** Variables that no secret and no file of variables may set, as names or beginnings of names. */
const RESERVED: readonly (readonly [why: string, names: RegExp])[] = [
  [
    "says where programs and their settings are looked for",
    /^(?:PATH|PATHEXT|COMSPEC|SYSTEMROOT|WINDIR|HOME|USERPROFILE|APPDATA|LOCALAPPDATA|XDG_\w+|SHELL|IFS|CDPATH)$/,
  ],
  [
    "has the system load other code into programs",
    /^(?:LD_|DYLD_|LIBPATH$|SHLIB_PATH$|GCONV_PATH$|GETCONF_DIR$|GLIBC_TUNABLES$|LOCPATH$|NLSPATH$|MALLOC_|OPENSSL_(?:CONF|ENGINES|MODULES)$|PSMODULEPATH$)/,
  ],
  ["has the system look up other hosts", /^(?:HOSTALIASES|LOCALDOMAIN|RES_OPTIONS|RESOLV_HOST_CONF|NIS_PATH)$/],
  ["is run by shells", /^(?:ENV|BASH_ENV|BASH_FUNC_\w*|BASHOPTS|SHELLOPTS|PROMPT_COMMAND|PS[0-4]|ZDOTDIR|FPATH)$/],
  [
    "has an interpreter load other code",
    /^(?:NODE_(?:OPTIONS|PATH|REPL_\w+|EXTRA_CA_CERTS|TLS_REJECT_UNAUTHORIZED)|PYTHON[A-Z]+|PERL\w*|RUBY(?:OPT|LIB)|GEM_(?:HOME|PATH)|BUNDLE_\w+|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|JDK_JAVA_OPTIONS|CLASSPATH|LUA_(?:INIT|PATH|CPATH)\w*|PHPRC|PHP_INI_SCAN_DIR|DOTNET_STARTUP_HOOKS|COR(?:ECLR)?_\w+|GUILE_LOAD\w*|ERL_\w*FLAGS|(?:JAVA|MAVEN|GRADLE|SBT|ANT)_(?:OPTS|ARGS)|R_(?:PROFILE|ENVIRON)\w*|BUN_\w*OPTIONS|DENO_\w+)$/,
  ],
  ["has git run or trust other things", /^GIT_(?!\w*(?:TOKEN|PASSWORD)$)/],
  [
    "is run by other programs",
    /^(?:EDITOR|VISUAL|PAGER|MANPAGER|BROWSER|LESSOPEN|LESSCLOSE|SSH_ASKPASS|SUDO_ASKPASS|SUDO_EDITOR|MAKEFLAGS|GOFLAGS|GOENV|GOTOOLCHAIN|RUST(?:C|DOC|FLAGS)\w*|CARGO_\w*(?:RUSTC|RUSTDOC|RUNNER|LINKER|WRAPPER)|VIMINIT|EXINIT|NPM_CONFIG_(?!\w*(?:TOKEN|AUTH|PASSWORD)$)\w*)$/,
  ],
  ["tells programs which coding agent is at work", /^AI_AGENT$/],
  ["belongs to agent-vault and never reaches a command", /^AGENT_VAULT_/],
];

/**
 * Refuses names that no program could read, and those that change what a program loads or runs: a secret, or a file out of a repository,
 * would decide about the command that gets the secrets.
 * @param where the variable is named, as the beginning of the message
 * @throws VaultError `INVALID_VARIABLE`
 */
export function requireVariableName(name: string, where?: string): string {
  const begin = where === undefined ? "" : `${where}: `;
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,254}$/.test(name)) {
    throw new VaultError("INVALID_VARIABLE", `${begin}${JSON.stringify(name)} is not the name of a variable.`, {
      remedy: "A name has letters, digits and _, and does not start with a digit.",
    });
  }
  const reserved = RESERVED.find(([, names]) => names.test(name.toUpperCase()));
  if (!reserved) return name;
  throw new VaultError("INVALID_VARIABLE", `${begin}The variable ${name} ${reserved[0]}, so it is not set.`, {
    remedy: "Name another variable: --secret GROUP/NAME=VARIABLE.",
  });
}

/** How a variable is named that no name is given for: by the secret's whole path, or by the last part of it alone. */
export type VariableNaming = "path" | "last";

/** The variable of a secret that no name is given for: `app/api-key` goes to `APP_API_KEY`, or to `API_KEY`. @throws VaultError `INVALID_VARIABLE` */
export function derivedVariable(secret: SecretPath, naming: VariableNaming = "path"): string {
  return requireVariableName(variableName(naming === "path" ? secret : parseSecretPath(secret.slice(secret.lastIndexOf("/") + 1))));
}

/** Reads `group/name` or `group/name=VARIABLE`. @throws VaultError `INVALID_NAME`, `INVALID_VARIABLE` */
export function parseSecretArgument(text: string, naming: VariableNaming = "path"): SecretVariable {
  const equals = text.indexOf("=");
  const [before, after] = equals < 0 ? [text, undefined] : [text.slice(0, equals), text.slice(equals + 1)];
  const secret = parseSecretPath(before);
  if (after?.includes("/") && !before.includes("/")) {
    throw new VaultError("INVALID_VARIABLE", `${JSON.stringify(after)} is not the name of a variable.`, {
      remedy: `With --secret the secret comes first: --secret ${after}=${before}. Or use --inject ${before}=${after}.`,
    });
  }
  return { variable: after === undefined ? derivedVariable(secret, naming) : requireVariableName(after), secret };
}

/** Reads `VARIABLE=group/name`. @throws VaultError `INVALID_NAME`, `INVALID_VARIABLE`, `USAGE` */
export function parseInjectArgument(text: string): SecretVariable {
  const equals = text.indexOf("=");
  if (equals < 0) {
    throw new VaultError("USAGE", `${JSON.stringify(text)} does not say which secret goes to which variable.`, {
      remedy: "Write --inject VARIABLE=GROUP/NAME.",
    });
  }
  return { variable: requireVariableName(text.slice(0, equals)), secret: parseSecretPath(text.slice(equals + 1)) };
}

/** Each variable with its secret, once. @throws VaultError `INVALID_VARIABLE` where one is to hold two secrets */
export function distinctVariables(variables: Iterable<SecretVariable>): SecretVariable[] {
  const byName = new Map<string, SecretVariable>();
  for (const one of variables) {
    const other = byName.get(one.variable);
    if (other && other.secret !== one.secret) {
      const [first, second] = [formatSecretPath(other.secret), formatSecretPath(one.secret)];
      throw new VaultError("INVALID_VARIABLE", `The variable ${one.variable} cannot hold both ${first} and ${second}.`, {
        remedy: `Name another for one of them: --secret ${second}=VARIABLE.`,
      });
    }
    byName.set(one.variable, one);
  }
  return [...byName.values()];
}
