import type { FileReader } from "./file-source.js";
import { metadataFile } from "./layout.js";
import type { SecretPath } from "./names.js";
import { readPlainYaml } from "./simple-yaml.js";

/** What a secret's metadata says that a policy may ask for. */
export interface SecretAttributes {
  readonly environment: string | undefined;
  readonly provider: string | undefined;
  readonly access: string | undefined;
  readonly tags: readonly string[];
}

/** Whether an environment's name is one of production, for which a person is asked first where no rule says otherwise. */
export function isProduction(environment: string): boolean {
  return /(?:^|[^a-z])(?:prod|production|prd|live)(?![a-z])/i.test(environment);
}

/**
 * A secret's attributes, without a YAML parser where they are written as plainly as usual.
 * @param files verified, so that the attributes are the signed ones
 * @throws VaultError `INVALID_YAML`, `INVALID_METADATA`, `TAMPERED`
 */
export async function secretAttributes(files: FileReader, path: SecretPath): Promise<SecretAttributes> {
  const bytes = files.read(metadataFile(path));
  if (!bytes) return { environment: undefined, provider: undefined, access: undefined, tags: [] };
  const { environment, provider, access, tags } = readPlainly(bytes) ?? (await import("./metadata.js")).parseMetadata(bytes, path);
  return { environment: environment ?? undefined, provider: provider ?? undefined, access: access ?? undefined, tags: tags ?? [] };
}

interface PlainAttributes {
  readonly environment?: string | null | undefined;
  readonly provider?: string | null | undefined;
  readonly access?: string | null | undefined;
  readonly tags?: readonly string[] | null | undefined;
}

/** `undefined` where it takes the parser. */
function readPlainly(bytes: Uint8Array): PlainAttributes | undefined {
  const fields = readPlainYaml(Buffer.from(bytes).toString("utf8"));
  if (!fields) return undefined;
  const { environment, provider, access, tags } = fields;
  const isText = (value: unknown): value is string | undefined => value === undefined || typeof value === "string";
  const isAccess = access === undefined || access === "read" || access === "read-write" || access === "admin";
  if (!isText(environment) || !isText(provider) || !isAccess || !(tags === undefined || Array.isArray(tags))) return undefined;
  return { environment, provider, access, tags: tags as string[] | undefined };
}
