import { classify, MANIFEST_FILE, metadataFile, POLICY_FILE, secretFile } from "../format/layout.js";
import { ACCESS_LEVELS, parseMetadata, type Metadata } from "../format/metadata.js";
import { formatSecretPath, type SecretPath } from "../format/names.js";
import { isProduction } from "../format/secret-attributes.js";
import { named, shown } from "./change.js";
import type { Pair } from "./pair.js";

/** Fields that people set, and that a policy, an approval or a warning goes by. */
export const ATTRIBUTES = ["environment", "access", "expires", "rotate_after_days", "provider", "account", "tags", "description"] as const;
/** Fields that say which secret it is. */
export const OWN_FIELDS = ["name", "group"] as const;
/** Fields that follow the value. */
export const VALUE_FIELDS = ["created", "rotated", "version", "id"] as const;

type Field = (typeof ATTRIBUTES)[number] | (typeof OWN_FIELDS)[number] | (typeof VALUE_FIELDS)[number];

/** What the metadata of secrets says, field by field. @param files that differ, sorted @param secrets whose values differ */
export function compareAttributes(pair: Pair, files: readonly string[], secrets: ReadonlySet<SecretPath>): void {
  for (const file of files) {
    const found = classify(file);
    if (found.kind === "metadata") compareMetadata(pair, found.path, secrets.has(found.path));
  }
}

function compareMetadata(pair: Pair, path: SecretPath, hasNewValue: boolean): void {
  const file = metadataFile(path);
  const [bytesBefore, bytesAfter] = [pair.read("before", file), pair.read("after", file)];
  const before = bytesBefore && pair.tryRead("before", file, () => parseMetadata(bytesBefore, path));
  const after = bytesAfter && pair.tryRead("after", file, () => parseMetadata(bytesAfter, path));
  if ((bytesBefore && !before) || (bytesAfter && !after)) return;
  const hadSecret = pair.has("before", secretFile(path));
  const hasSecret = pair.has("after", secretFile(path));
  const secret = `${formatSecretPath(path)}${hasSecret || hadSecret ? "" : ", which does not exist yet,"}`;
  // What goes with its secret is told with it.
  if (!after && hadSecret && !hasSecret) return;
  if (after && !before && hasSecret && !hadSecret) return tellOfNew(pair, path, after);
  for (const field of ATTRIBUTES) compareField(pair, path, secret, field, before, after, widensWith(pair, field, before, after));
  for (const field of OWN_FIELDS) compareField(pair, path, secret, field, before, after, false);
  // A new value brings a new version and time with it; without one they hide that a rotation is due.
  if (!hasNewValue)
    for (const field of VALUE_FIELDS) compareField(pair, path, secret, field, before, after, field !== "version" && field !== "id");
  compareNamedAgents(pair, path, before, after);
  if (!after)
    pair.add({ kind: "attribute", subject: formatSecretPath(path), widens: false, text: `${secret} no longer has metadata` }, file);
}

/** What a new secret is. */
function tellOfNew(pair: Pair, path: SecretPath, metadata: Metadata): void {
  const given = ATTRIBUTES.filter((field) => isGiven(metadata[field]));
  const text = `${formatSecretPath(path)} is new, with ${given.map((field) => `${field} ${shown(metadata[field])}`).join(", ")}`;
  if (given.length > 0) pair.add({ kind: "attribute", subject: formatSecretPath(path), widens: false, text }, metadataFile(path));
}

function compareField(
  pair: Pair,
  path: SecretPath,
  secret: string,
  field: Field,
  before: Metadata | undefined,
  after: Metadata | undefined,
  widens: boolean,
): void {
  const [old, now] = [before?.[field], after?.[field]];
  if (isGiven(old) ? JSON.stringify(old) === JSON.stringify(now) : !isGiven(now)) return;
  const text = !isGiven(now)
    ? `${field} ${shown(old)} of ${secret} was removed`
    : isGiven(old)
      ? `${field} of ${secret} is ${shown(now)} instead of ${shown(old)}`
      : `${field} of ${secret} is now ${shown(now)}`;
  pair.add(
    {
      kind: "attribute",
      subject: formatSecretPath(path),
      widens,
      text,
      before: isGiven(old) ? shown(old) : undefined,
      after: isGiven(now) ? shown(now) : undefined,
    },
    metadataFile(path),
  );
}

/** Whether a field that protected does so less. */
function widensWith(pair: Pair, field: (typeof ATTRIBUTES)[number], before: Metadata | undefined, after: Metadata | undefined): boolean {
  switch (field) {
    case "environment": {
      // A rule of the policy may ask for an environment and mean any.
      const becomesProduction = isProduction(after?.environment ?? "") || !isGiven(before?.environment);
      return !becomesProduction || pair.has("after", POLICY_FILE);
    }
    case "access":
      return levelOf(after) < levelOf(before);
    case "expires":
      return isGiven(before?.expires) && timeOf(after?.expires) > timeOf(before.expires);
    case "rotate_after_days":
      return isGiven(before?.rotate_after_days) && (after?.rotate_after_days ?? Infinity) > before.rotate_after_days;
    default:
      return false;
  }
}

/** The agents that the metadata names beside the manifest; only those of agent-vault 0.1 decide anything. */
function compareNamedAgents(pair: Pair, path: SecretPath, before: Metadata | undefined, after: Metadata | undefined): void {
  const [old, now] = [before?.authorized_agents ?? [], after?.authorized_agents ?? []];
  const readers = new Set(pair.tryRead("after", MANIFEST_FILE, () => pair.after.agentsOf(path)));
  const added = now.filter((agent) => !old.includes(agent) && !readers.has(agent));
  if (added.length === 0) return;
  const text = `the metadata of ${formatSecretPath(path)} names ${added.map(named).join(", ")} as its agents, and the manifest does not`;
  pair.add({ kind: "attribute", subject: formatSecretPath(path), widens: true, text }, metadataFile(path));
}

function isGiven<T>(value: T | null | undefined): value is T {
  return value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0);
}

function levelOf(metadata: Metadata | undefined): number {
  return metadata?.access ? ACCESS_LEVELS.indexOf(metadata.access) : -1;
}

function timeOf(expires: string | null | undefined): number {
  return isGiven(expires) ? Date.parse(expires) : Infinity;
}
