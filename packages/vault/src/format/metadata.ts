import * as z from "zod/mini";
import { DAY_MS, parseTime } from "../text/duration.js";
import { metadataFile } from "./layout.js";
import { formatSecretPath, type SecretPath } from "./names.js";
import { readPlainYaml } from "./simple-yaml.js";
import { MAX_YAML_BYTES, readYaml, syncSequence, writeYaml } from "./yaml-document.js";
import { decodeUtf8File } from "../text/utf8.js";

const timestamp = z.string().check(z.refine((text) => !Number.isNaN(Date.parse(text)), { error: "not an RFC 3339 time" }));
const text = z.optional(z.nullable(z.union([z.string(), z.pipe(z.number(), z.transform(String))])));

/** What the key behind a secret can do at its provider. */
export const ACCESS_LEVELS = ["read", "read-write", "admin"] as const;

const metadataSchema = z.looseObject({
  name: z.string(),
  group: text,
  created: z.optional(timestamp),
  rotated: z.optional(timestamp),
  expires: z.optional(z.nullable(timestamp)),
  authorized_agents: z._default(z.nullable(z.array(z.string())), []),
  /** Random, the same under every path that the secret is moved to. */
  id: text,
  version: z.optional(z.int().check(z.positive())),
  description: text,
  provider: text,
  account: text,
  environment: text,
  access: z.optional(z.nullable(z.enum(ACCESS_LEVELS, { error: `one of ${ACCESS_LEVELS.join(", ")}` }))),
  tags: z._default(z.nullable(z.array(z.string())), []),
  rotate_after_days: z.optional(z.nullable(z.number().check(z.positive()))),
});

/** The fields of a `.meta` file as they are there; times are RFC 3339, UTC. Unknown fields are kept on a rewrite. */
export type Metadata = z.infer<typeof metadataSchema>;

/** The fields that `set` can give; `null` removes one. */
export type Attributes = Partial<
  Pick<Metadata, "expires" | "description" | "provider" | "account" | "environment" | "access" | "tags" | "rotate_after_days">
>;

/** Reads a `.meta` file. @throws VaultError `INVALID_YAML`, `INVALID_METADATA` */
export function parseMetadata(bytes: Uint8Array, path: SecretPath): Metadata {
  return parsePlain(bytes) ?? readYaml(bytes, metadataFile(path), metadataSchema, "INVALID_METADATA").data;
}

/** What changes in a `.meta` file; what is absent here stays as it is. */
export interface MetadataChange extends Attributes {
  readonly name?: string;
  readonly group?: string;
  readonly created?: string;
  readonly rotated?: string;
  readonly version?: number;
  readonly id?: string;
  readonly authorized_agents?: readonly string[];
}

/** A new `.meta` file, its fields in the order of agent-vault 0.1. */
export function createMetadata(path: SecretPath, change: MetadataChange): Uint8Array {
  const head = new TextEncoder().encode(`name: ${JSON.stringify(formatSecretPath(path))}\n`);
  const { group, created, rotated, expires, authorized_agents = [], ...rest } = change;
  return changeMetadata(head, path, { group, created, rotated, expires, authorized_agents, ...rest });
}

/** A `.meta` file with some fields changed, the others, their order and the comments kept. */
export function changeMetadata(bytes: Uint8Array, path: SecretPath, change: MetadataChange): Uint8Array {
  const { document } = readYaml(bytes, metadataFile(path), metadataSchema, "INVALID_METADATA");
  for (const [field, value] of Object.entries(change)) {
    if (value === undefined) continue;
    if (Array.isArray(value)) syncSequence(document, [field], value as string[]);
    else if (value === null) document.delete(field);
    else document.set(field, value);
  }
  return writeYaml(document);
}

/** A `.meta` file with another list of agents. Where it is as plain as both programs print it, it is edited as text, without a YAML document. */
export function withAuthorizedAgents(bytes: Uint8Array, path: SecretPath, agents: readonly string[]): Uint8Array {
  const source = new TextDecoder().decode(bytes);
  const present = parsePlain(bytes)?.authorized_agents;
  const block = /^authorized_agents:(?: \[\]|(?:\n- .*)+)\n/m.exec(source);
  if (!present || !block || !agents.every((agent) => PLAIN_NAME.test(agent)))
    return changeMetadata(bytes, path, { authorized_agents: agents });
  const wanted = new Set(agents);
  const kept = present.filter((agent) => wanted.delete(agent));
  const names = [...kept, ...wanted];
  const printed = names.length === 0 ? "authorized_agents: []\n" : `authorized_agents:\n${names.map((name) => `- ${name}\n`).join("")}`;
  return new TextEncoder().encode(source.slice(0, block.index) + printed + source.slice(block.index + block[0].length));
}

/** A name that YAML of any version reads as that very string: no number, no keyword, nothing that needs quotes. */
const PLAIN_NAME = /^(?!(?:true|false|null|yes|no|on|off|y|n)$)[A-Za-z][A-Za-z0-9_-]*$/i;

/** The agents that a `.meta` file names. */
export function readAuthorizedAgents(bytes: Uint8Array, path: SecretPath): readonly string[] {
  return parseMetadata(bytes, path).authorized_agents ?? [];
}

/** A `.meta` file of a vault's usual kind, without the YAML parser; `undefined` for every other, right or wrong. */
function parsePlain(bytes: Uint8Array): Metadata | undefined {
  if (bytes.length > MAX_YAML_BYTES) return undefined;
  const text = decodeUtf8File(bytes);
  if (text === undefined) return undefined;
  const parsed = metadataSchema.safeParse(readPlainYaml(text));
  return parsed.success ? parsed.data : undefined;
}

/** The time at which a secret's rotation falls due, or `undefined` without a schedule. */
export function rotationDue(metadata: Metadata): Date | undefined {
  const since = metadata.rotated ?? metadata.created;
  if (!metadata.rotate_after_days || since === undefined) return undefined;
  return new Date(Date.parse(since) + metadata.rotate_after_days * DAY_MS);
}

/**
 * Reads the time of an `--expires`: a date, an RFC 3339 time, or a time from now on (`12h`, `90d`, `6w`, `1y`).
 * @returns an RFC 3339 time in UTC; a date alone means the start of that day.
 * @throws VaultError `INVALID_VALUE`
 */
export function parseExpiry(text: string, now: Date): string {
  return parseTime(text, now, "ahead").toISOString().replace(".000Z", "Z");
}
