import { closeSync, openSync, readSync } from "node:fs";
import process from "node:process";
import { Flags } from "@oclif/core";
import {
  ACCESS_LEVELS,
  isSystemError,
  parseExpiry,
  resolvePath,
  set,
  valueTooLarge,
  VaultError,
  VaultState,
  type Attributes,
  type SetRequest,
} from "@agent-vault/vault";
import { generateValue } from "../values/generate-value.js";
import { readStandardInput } from "../terminal/standard-input.js";
import { terminal } from "../terminal/terminal.js";
import { argument, dryRunFlag, keyFlag, secretArgument } from "../flags/common-flags.js";
import { VaultCommand } from "../vault-command.js";

const list = { multiple: true, multipleNonGreedy: true, delimiter: "," } as const;

export default class Set extends VaultCommand {
  static override helpGroup = "start" as const;
  static override firstStep = 2;
  static override summary = "Store a secret";
  static override description = "Asks for the value on a terminal, or reads it from standard input. An existing secret gets a new version.";
  static override examples = [
    "agent-vault set stripe/api-key",
    "pass show stripe | agent-vault set stripe/api-key --expires 90d",
    "agent-vault set tls/key --from-file server.key --environment production",
    "agent-vault set db/password --generate --length 40",
  ];
  static override args = {
    path: secretArgument,
    value: argument({ description: "the value, or - for standard input; it stays in your shell's history, so better leave it out" }),
  };
  static override flags = {
    key: keyFlag,
    "dry-run": dryRunFlag,
    "from-file": Flags.string({ description: "take the value from a file, byte for byte", helpValue: "FILE" }),
    generate: Flags.boolean({ description: "make a random value that nobody sees" }),
    length: Flags.integer({ description: "characters of a generated value", default: 32, min: 8, max: 4096 }),
    "keep-value": Flags.boolean({ description: "keep the value and change only what is given beside it" }),
    exact: Flags.boolean({ description: "keep a final newline of standard input" }),
    empty: Flags.boolean({ description: "take an empty value where none is typed or piped in" }),
    group: Flags.string({ description: "group that lists the secret; by default the first part of its path" }),
    "remove-group": Flags.string({ description: "group that is to list it no longer", helpValue: "GROUP" }),
    agents: Flags.string({ description: "agents that read it beyond those of its group", helpValue: "A,B", ...list }),
    expires: Flags.string({ description: "a date, a time, 90d, or never", helpValue: "WHEN" }),
    description: Flags.string({ description: "what it is for" }),
    provider: Flags.string({ description: "who issued it" }),
    account: Flags.string({ description: "the account it belongs to" }),
    environment: Flags.string({ description: "such as production or test" }),
    access: Flags.string({ description: "what it lets its holder do", options: [...ACCESS_LEVELS] }),
    tags: Flags.string({ description: "words to find it by", helpValue: "A,B", ...list }),
    "rotate-after": Flags.integer({ description: "days after which check asks for a new value; 0 for never", min: 0, helpValue: "DAYS" }),
  };
  static override argvMayHoldSecret = true;
  static override completes = { path: "secrets" } as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parseCommandLine(Set);
    const word = args.value === "-" ? undefined : args.value;
    const sources = [
      args.value !== undefined && "a value",
      flags["from-file"] !== undefined && "--from-file",
      flags.generate && "--generate",
      flags["keep-value"] && "--keep-value",
    ].filter(Boolean);
    if (sources.length > 1)
      throw new VaultError("USAGE", `There is more than one value: ${sources.join(" and ")}.`, { remedy: "Give one of them." });
    if (word) this.context.warn("The value is in your shell's history now. Leave it out to be asked for it, or pipe it in.");

    const attributes: Attributes = {
      expires: flags.expires === undefined ? undefined : flags.expires === "never" ? null : parseExpiry(flags.expires, this.context.now()),
      rotate_after_days: flags["rotate-after"] === 0 ? null : flags["rotate-after"],
      description: flags.description,
      provider: flags.provider,
      account: flags.account,
      environment: flags.environment,
      access: flags.access as Attributes["access"],
      tags: flags.tags,
    };
    const change = await this.change(flags);
    const stored = await set(this.context, {
      ...change,
      path: args.path,
      value: await this.#value(word, flags, new VaultState(change.vault).config.settings.max_value_bytes),
      group: flags.group,
      removeGroup: flags["remove-group"],
      agents: flags.agents,
      attributes,
    });
    this.print(stored, function* () {
      const verb = flags["dry-run"] ? "Would set" : "Set";
      const size =
        stored.bytes === undefined
          ? "value kept"
          : stored.bytes === 0
            ? "an empty value"
            : stored.bytes === 1
              ? "1 byte"
              : `${stored.bytes} bytes`;
      yield `${verb} ${stored.secret} (version ${stored.version}, ${size}).`;
      yield `Readers besides the owners: ${stored.agents.join(", ") || "none"}.`;
      if (stored.lost.length > 0 && stored.bytes === undefined)
        yield `No longer reads it: ${stored.lost.join(", ")}. What they have seen stays seen: rotate it at the source.`;
    });
  }

  async #value(
    word: string | undefined,
    flags: { "from-file"?: string | undefined; generate: boolean; length: number; "keep-value": boolean; exact: boolean; empty: boolean },
    limit: number,
  ): Promise<SetRequest["value"]> {
    if (flags["keep-value"]) return undefined;
    if (word !== undefined) return encode(word);
    if (flags.generate) return encode(generateValue(this.context, flags.length));
    if (flags["from-file"] !== undefined) return readValueFile(resolvePath(this.context, flags["from-file"]), limit);
    if (terminal.canAsk()) return async () => requireValue(encode(await terminal.askValue("Value (does not show): ")), flags.empty);
    return requireValue(process.stdin.isTTY ? new Uint8Array() : await readStandardInput(flags.exact, limit), flags.empty);
  }
}

/** An empty value is meant where a person says so: a command that failed, or a variable that is not set, pipes one in as well. */
function requireValue(value: Uint8Array, mayBeEmpty: boolean): Uint8Array {
  if (value.length > 0 || mayBeEmpty) return value;
  throw new VaultError("VALUE_REQUIRED", "No value was typed or piped in.", {
    remedy: "Pipe it in (printf %s ... | agent-vault set PATH), or use --from-file FILE or --generate; for an empty value add --empty.",
  });
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Reads no more than it may keep, since a device or a pipe may have no end. */
function readValueFile(file: string, limit: number): Uint8Array {
  let descriptor: number;
  try {
    descriptor = openSync(file, "r");
  } catch (cause) {
    const why = isSystemError(cause, "ENOENT", "ENOTDIR") ? "does not exist" : "could not be read";
    throw new VaultError("FILE_NOT_FOUND", `${file} ${why}.`, { remedy: "Check the path given with --from-file.", cause });
  }
  try {
    const bytes = Buffer.alloc(limit + 1);
    let length = 0;
    for (let read = 1; read > 0 && length <= limit; length += read) read = readSync(descriptor, bytes, length, bytes.length - length, null);
    if (length > limit) throw valueTooLarge(limit);
    return bytes.subarray(0, length);
  } catch (cause) {
    if (!isSystemError(cause)) throw cause;
    throw new VaultError("FILE_NOT_FOUND", `${file} could not be read (${cause.code}).`, {
      remedy: "Check the path given with --from-file.",
      cause,
    });
  } finally {
    closeSync(descriptor);
  }
}
