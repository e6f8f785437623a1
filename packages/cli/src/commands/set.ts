import { Flags } from "@oclif/core";
import {
  ACCESS_LEVELS,
  parseExpiry,
  parseSecretPath,
  plural,
  set,
  VaultError,
  VaultState,
  type Attributes,
  type SetResult,
} from "@agent-vault/vault";
import { argument, dryRunFlag, keyFlag, secretArgument } from "../flags/common-flags.js";
import { readValue } from "../values/read-value.js";
import { VaultCommand } from "../vault-command.js";

const list = { multiple: true, multipleNonGreedy: true, delimiter: "," } as const;

export default class Set extends VaultCommand {
  static override helpGroup = "start" as const;
  static override firstStep = 2;
  static override summary = "Store a secret";
  static override needsPerson = "signs" as const;
  static override description = "Asks for the value on a terminal, or reads it from standard input. An existing secret gets a new version.";
  static override examples = [
    "agent-vault set stripe/api-key",
    "pass show stripe | agent-vault set stripe/api-key --expires 90d",
    "agent-vault set tls/key --from-file server.key --environment production",
    "agent-vault set db/password --generate --length 40",
  ];
  static override args = {
    path: secretArgument,
    value: argument({ description: "the value, or - for standard input; better left out, since your shell's history keeps it" }),
  };
  static override flags = {
    key: keyFlag,
    "dry-run": dryRunFlag,
    "from-file": Flags.string({ description: "read the value from a file, byte for byte", helpValue: "FILE" }),
    generate: Flags.boolean({ description: "generate a random value" }),
    length: Flags.integer({ description: "length of the generated value in characters", helpValue: "N", default: 32, min: 8, max: 4096 }),
    "keep-value": Flags.boolean({ description: "keep the value and change only what the other flags say" }),
    exact: Flags.boolean({ description: "keep the final newline of standard input" }),
    empty: Flags.boolean({ description: "store an empty value if none is typed or piped in" }),
    group: Flags.string({ description: "the secret's group (default: the first part of its path)", helpValue: "GROUP" }),
    "remove-group": Flags.string({ description: "a group to take the secret out of", helpValue: "GROUP" }),
    agents: Flags.string({ description: "agents that can read it besides those of its group", helpValue: "A,B", ...list }),
    expires: Flags.string({ description: "when it expires: a date, a time, 90d, or never", helpValue: "WHEN" }),
    description: Flags.string({ description: "what the secret is for", helpValue: "TEXT" }),
    provider: Flags.string({ description: "who issued the secret", helpValue: "NAME" }),
    account: Flags.string({ description: "the account that it belongs to", helpValue: "NAME" }),
    environment: Flags.string({ description: "the environment, such as production or test", helpValue: "NAME" }),
    access: Flags.string({ description: "what it gives access to do", options: [...ACCESS_LEVELS] }),
    tags: Flags.string({ description: "tags to find it by", helpValue: "A,B", ...list }),
    "rotate-after": Flags.integer({ description: "days after which the value should be rotated; 0 for never", min: 0, helpValue: "DAYS" }),
  };
  static override argvMayHoldSecret = true;
  static override completes = { path: "secrets" } as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parseCommandLine(Set);
    const attributes = attributesOf(flags, this.context.now());
    const change = await this.change(flags);
    const state = new VaultState(change.vault);
    requireOrder(state, args.path, args.value);
    const limit = state.config.settings.max_value_bytes;
    const value = await readValue(this.context, { ...flags, value: args.value }, limit);
    if (args.value !== undefined && args.value !== "" && args.value !== "-")
      this.context.warn("The value is now in your shell's history. Leave it out to be asked for it, or pipe it in.");
    const stored = await set(this.context, {
      ...change,
      path: args.path,
      value,
      group: flags.group,
      removeGroup: flags["remove-group"],
      agents: flags.agents,
      attributes,
    });
    this.print(stored, function* () {
      yield `${flags["dry-run"] ? "Would set" : "Set"} ${stored.secret} (version ${stored.version}, ${formatSize(stored)}).`;
      yield `Agents that can read it: ${stored.agents.join(", ") || "none"}.`;
      if (stored.lost.length > 0 && stored.bytes === undefined)
        yield `No longer readable by: ${stored.lost.join(", ")}. They may still know the value, so rotate it where it was issued.`;
    });
  }
}

/** A value in the place of the path would be stored as a name, where everybody can read it. @throws VaultError `USAGE` */
function requireOrder(state: VaultState, path: string, value: string | undefined): void {
  if (value === undefined || isSecretOf(state, path) || !isSecretOf(state, value)) return;
  throw new VaultError("USAGE", "The value and the secret's path seem to be swapped, so nothing was stored.", {
    remedy: "Use agent-vault set PATH, and type or pipe in the value.",
  });
}

/** Whether a word names a secret that is there, or a new one in a group that is there. */
function isSecretOf(state: VaultState, word: string): boolean {
  try {
    const path = parseSecretPath(word);
    return state.hasSecret(path) || (word.includes("/") && state.manifest.groups.has(word.slice(0, word.indexOf("/"))));
  } catch {
    return false;
  }
}

type AttributeFlags = Pick<Attributes, "description" | "provider" | "account" | "environment" | "tags"> & {
  readonly expires?: string | undefined;
  readonly "rotate-after"?: number | undefined;
  readonly access?: string | undefined;
};

function attributesOf(flags: AttributeFlags, now: Date): Attributes {
  return {
    expires: flags.expires === undefined ? undefined : flags.expires === "never" ? null : parseExpiry(flags.expires, now),
    rotate_after_days: flags["rotate-after"] === 0 ? null : flags["rotate-after"],
    description: flags.description,
    provider: flags.provider,
    account: flags.account,
    environment: flags.environment,
    access: flags.access as Attributes["access"],
    tags: flags.tags,
  };
}

function formatSize({ bytes }: SetResult): string {
  if (bytes === undefined) return "value kept";
  return bytes === 0 ? "an empty value" : plural(bytes, "byte");
}
