import * as z from "zod/mini";
import { isMap, isScalar, type Document } from "yaml";
import { ADDED_ENTRIES, CONFIG_FILE } from "./layout.js";
import { readYaml, writeYaml } from "./yaml-document.js";

const syncDefaults = { push: "manual", pull_before_change: true } as const;
const syncSchema = z.looseObject({
  /** The remote's name in each clone; the branch's own, or `origin`, unless set. */
  remote: z.optional(z.string()),
  /** The vault's main branch; the remote's default branch unless set. */
  branch: z.optional(z.string().check(z.regex(/^(?!-)[\w./-]+$/, { error: "a branch is named as git names it" }))),
  /** Whether each change is pushed (`auto`), or `sync` alone pushes (`manual`). */
  push: z._default(z.enum(["manual", "auto"]), syncDefaults.push),
  /** Whether a change first asks the remote for a newer state. */
  pull_before_change: z._default(z.boolean(), syncDefaults.pull_before_change),
});

const settingsSchema = z.looseObject({
  /** Largest value that `set` takes, in bytes. */
  max_value_bytes: z._default(z.int().check(z.positive()), 1024 * 1024),
  /** Seconds in which a second read does not ask the remote again. */
  pull_interval: z._default(z.number().check(z.nonnegative()), 60),
  /** Days before its expiry from which `check` warns of a secret. */
  expiry_warning_days: z._default(z.number().check(z.nonnegative()), 14),
  /** How many replaced values of a secret are kept for its owners. */
  keep_versions: z._default(z.int().check(z.nonnegative(), z.maximum(20)), 1),
  sync: z._default(syncSchema, syncDefaults),
  audit: z.optional(
    z.looseObject({
      /** Where uses may go on record: `ledger`, `spool`, `otlp`, `stderr`, `file`, `off`; anywhere unless set. */
      allow: z.optional(z.array(z.string())),
    }),
  ),
  /** The agent as which a coding agent uses secrets unless it is told otherwise, by the coding agent's name; `*` for any. */
  harness_agents: z.optional(z.record(z.string(), z.string())),
});

const configSchema = z.looseObject({
  version: z.literal(1, { error: "this agent-vault reads version 1 only" }),
  encryption: z.looseObject({ format: z.literal("age", { error: "the only format is age" }) }),
  id: z.optional(z.string().check(z.regex(/^[0-9A-Za-z-]{8,64}$/, { error: "a vault's id is a UUID" }))),
  settings: z._default(settingsSchema, {
    max_value_bytes: 1024 * 1024,
    pull_interval: 60,
    expiry_warning_days: 14,
    keep_versions: 1,
    sync: syncDefaults,
  }),
});

const SIGNED_FILES = "signed_files";
const ADDED: ReadonlySet<string> = new Set(ADDED_ENTRIES);

/** The settings of a vault, with their defaults: sizes in bytes, `pull_interval` in seconds, `expiry_warning_days` in days. */
export type Settings = z.infer<typeof settingsSchema>;

/** `config.yaml`: the vault's id and settings. A vault made by agent-vault 0.1 has no id until it is first changed. */
export class Config {
  readonly id: string | undefined;
  readonly settings: Settings;
  readonly #document: Document;

  private constructor(document: Document, data: z.infer<typeof configSchema>) {
    this.#document = document;
    this.id = data.id;
    this.settings = data.settings;
  }

  /** @throws VaultError `INVALID_YAML`, `INVALID_CONFIG` */
  static parse(bytes: Uint8Array): Config {
    const { document, data } = readYaml(bytes, CONFIG_FILE, configSchema, "INVALID_CONFIG");
    return new Config(document, data);
  }

  /** The configuration of a new vault. @param id a UUID */
  static create(id: string): Config {
    return Config.parse(new TextEncoder().encode(`version: 1\nencryption:\n  format: age\nid: ${id}\n`));
  }

  /** The bytes of this file with an id. */
  withId(id: string): Uint8Array {
    this.#document.set("id", id);
    return this.toBytes();
  }

  /**
   * The bytes of this file with the digests of the files that the lock's own lists leave out, sorted by name. What a later version lists
   * beside them stays.
   */
  withSignedFiles(digests: ReadonlyMap<string, string>): Uint8Array {
    const former = this.#document.get(SIGNED_FILES);
    const unknown = isMap(former) ? former.items.filter(({ key }) => !ADDED.has(String(key))) : [];
    const listed = unknown.map(({ key, value }) => [String(key), String(value)] as const);
    const entries = [...listed, ...digests].toSorted(([a], [b]) => (a < b ? -1 : 1));
    if (entries.length === 0) this.#document.delete(SIGNED_FILES);
    else this.#document.set(SIGNED_FILES, Object.fromEntries(entries));
    this.#spellSignedFilesAsRead();
    return this.toBytes();
  }

  /** One entry a line, the field's name without quotes: its reader is no YAML parser. */
  #spellSignedFilesAsRead(): void {
    const { contents } = this.#document;
    if (!isMap(contents)) return;
    contents.flow = false;
    for (const { key } of contents.items) if (isScalar(key) && key.value === SIGNED_FILES) key.type = "PLAIN";
  }

  /** The bytes of this file. */
  toBytes(): Uint8Array {
    return writeYaml(this.#document);
  }
}
