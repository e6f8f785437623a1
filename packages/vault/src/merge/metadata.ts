import { isSameAgents } from "../format/access.js";
import { metadataFile } from "../format/layout.js";
import { ACCESS_LEVELS, changeMetadata, type Metadata, type MetadataChange } from "../format/metadata.js";
import { formatSecretPath } from "../format/names.js";
import { isProduction } from "../format/secret-attributes.js";
import { readYamlFile } from "../format/yaml-document.js";
import { eachSide, laterSide, type MergeInput, type SideIndex, type Sided } from "./merge-input.js";
import { isSameSecret, otherSide, type MovedPaths } from "./moves.js";
import type { Dialog } from "./questions.js";
import type { FileOrigin } from "./recipients.js";
import type { MergedSecret } from "./secrets.js";
import { canonical, changedSide, isSameData } from "./three-way.js";

/** Fields that follow the value. */
const OF_VALUE = ["id", "created", "rotated", "version"] as const;
/** Fields that are worked out. */
const COMPUTED: ReadonlySet<string> = new Set([...OF_VALUE, "name", "authorized_agents"]);
/** Fields that only tell people something: the later word counts. */
const TELLING: ReadonlySet<string> = new Set(["description", "provider", "account", "tags", "group", "rotate_after_days"]);

type Fields = Readonly<Record<string, unknown>>;

/** What a secret's metadata has to agree with. */
export interface MetadataFacts {
  readonly secret: MergedSecret;
  /** The side whose file holds the value. */
  readonly valueSide: SideIndex;
  /** Its readers in the result. */
  readonly agents: readonly string[];
  /** The groups that list it in the result. */
  readonly groups: readonly string[];
}

/** A secret's metadata in the result, field by field where both sides changed it; `undefined` where no side has any. */
export function mergeMetadata(input: MergeInput, moved: MovedPaths, facts: MetadataFacts, dialog: Dialog): FileOrigin | undefined {
  const { secret, valueSide } = facts;
  const files = eachSide(secret.own, (own) => own && metadataFile(own));
  const digests = eachSide(files, (file, side) => file && input.sides[side].digests.get(file));
  const present = ([0, 1] as const).filter((side) => digests[side] !== undefined);
  if (present.length === 0) return undefined;
  if (isUntouched(input, facts, digests)) return { side: 0, file: files[0]! };
  const bases = moved.bases.flatMap((view) => {
    const own = view.ownOf(secret.path);
    return own === undefined ? [] : [{ digest: view.state.digests.get(metadataFile(own)), view, own }];
  });
  const side: SideIndex | undefined =
    present.length === 1
      ? present[0]
      : changedSide<string | undefined>(
          bases.map(({ digest }) => digest),
          digests,
          Object.is,
        );
  const taken = side ?? 0;
  const file = files[taken]!;
  const changes: Record<string, unknown> =
    side === undefined
      ? mergedFields(
          input,
          facts,
          [fieldsOf(input, 0, files[0]!), fieldsOf(input, 1, files[1]!)],
          bases.map(({ view, own }) => asFields(view.state.read(metadataFile(own)), metadataFile(own))),
          dialog,
        )
      : {};
  const ofValue = side !== undefined && secret.values.includes(side) ? side : valueSide;
  const before = bases.map(({ view, own }) => view.state.metadata(own));
  Object.assign(changes, valueFields(input, secret, ofValue), identityFields(input, secret, ofValue, before), placeFields(secret, facts));
  const now = input.sides[taken].metadata(secret.own[taken]!) as Fields;
  const needed = Object.entries(changes).filter(
    ([field, value]) => !isSameData(now[field] ?? null, value ?? null) && !isBothEmpty(now[field], value),
  );
  const isListed = isSameAgents((now as Metadata).authorized_agents ?? [], facts.agents);
  if (needed.length === 0 && isListed) return { side: taken, file };
  const change = Object.fromEntries(needed) as MetadataChange;
  return {
    bytes: changeMetadata(input.sides[taken].read(file)!, secret.path, {
      ...change,
      ...(!isListed && { authorized_agents: facts.agents }),
    }),
  };
}

/** Whether both sides have one secret with one file, and readers that no side changed: such metadata is not even read. */
function isUntouched({ sides }: MergeInput, { secret, agents }: MetadataFacts, digests: Sided<string | undefined>): boolean {
  const { path, own, values, version } = secret;
  const isSame = digests[0] === digests[1] && values.length === 2 && version === undefined && own.every((at) => at === path);
  return isSame && sides.every(({ vault }) => isSameAgents(vault.agentsOf(path), agents));
}

/** What both sides say, field by field. */
function mergedFields(
  input: MergeInput,
  { secret }: MetadataFacts,
  sides: Sided<Fields>,
  bases: readonly Fields[],
  dialog: Dialog,
): Record<string, unknown> {
  const merged: Record<string, unknown> = {};
  for (const field of new Set([...Object.keys(sides[0]), ...Object.keys(sides[1])])) {
    if (COMPUTED.has(field)) continue;
    const values: Sided<unknown> = [sides[0][field] ?? null, sides[1][field] ?? null];
    const side = changedSide(
      bases.map((base) => base[field] ?? null),
      values,
      isSameData,
    );
    merged[field] = values[side ?? decide(input, field, values, formatSecretPath(secret.path), dialog)];
  }
  return merged;
}

function decide(input: MergeInput, field: string, values: Sided<unknown>, secret: string, dialog: Dialog): SideIndex {
  const stricter = stricterSide(field, values);
  if (stricter !== undefined) return stricter;
  if (TELLING.has(field) || field === "environment") return laterSide(input.sides);
  return dialog.ask(
    "field",
    `${field} of ${secret}`,
    eachSide(values, (value) => `${field} is ${canonical(value)}`),
  );
}

/** Of two that both changed, the one that protects more; `undefined` where the field protects nothing, or neither does more. */
function stricterSide(field: string, [first, second]: Sided<unknown>): SideIndex | undefined {
  const byRank = (rank: (value: unknown) => number): SideIndex | undefined => {
    const difference = rank(first) - rank(second);
    return difference === 0 ? undefined : difference > 0 ? 0 : 1;
  };
  switch (field) {
    case "environment":
      return byRank((value) => (typeof value !== "string" ? 0 : isProduction(value) ? 2 : 1));
    case "access":
      return byRank((value) => ACCESS_LEVELS.indexOf(value as (typeof ACCESS_LEVELS)[number]));
    case "expires":
      return byRank((value) => (typeof value === "string" ? -Date.parse(value) : -Infinity));
    case "sensitive":
      return byRank((value) => (value === false ? 0 : 1));
    default:
      return undefined;
  }
}

/** Version, times and id follow the value. */
function valueFields({ sides }: MergeInput, { own, version }: MergedSecret, valueSide: SideIndex): Fields {
  const metadata = own[valueSide] === undefined ? undefined : (sides[valueSide].metadata(own[valueSide]) as Fields | undefined);
  if (!metadata) return {};
  const fields = OF_VALUE.flatMap((field) => (metadata[field] == null ? [] : [[field, metadata[field]] as const]));
  return { ...Object.fromEntries(fields), ...(version !== undefined && metadata["version"] !== version && { version }) };
}

/** Where one side deleted a secret and made it again, it stays another one than before, no matter which value is chosen. */
function identityFields(
  { sides }: MergeInput,
  { own }: MergedSecret,
  valueSide: SideIndex,
  before: readonly (Metadata | undefined)[],
): Fields {
  const isOld = eachSide(own, (at, side) => at !== undefined && before.some((base) => isSameSecret(base, sides[side].metadata(at))));
  const other = otherSide(valueSide);
  if (own[other] === undefined || !isOld[valueSide] || isOld[other]) return {};
  const { id, created } = sides[other].metadata(own[other]) ?? {};
  return { ...(id != null && { id }), ...(created !== undefined && { created }) };
}

/** A secret whose path or groups are others than its file says. */
function placeFields({ path, own }: MergedSecret, { groups }: MetadataFacts): Fields {
  const isMoved = own.some((at) => at !== undefined && at !== path);
  return isMoved ? { name: formatSecretPath(path), ...(groups[0] !== undefined && { group: groups[0] }) } : {};
}

function fieldsOf({ sides }: MergeInput, side: SideIndex, file: string): Fields {
  return asFields(sides[side].read(file), file);
}

function asFields(bytes: Uint8Array | undefined, file: string): Fields {
  return bytes ? (readYamlFile(bytes, file).document.toJS() as Fields) : {};
}

function isBothEmpty(a: unknown, b: unknown): boolean {
  const isEmpty = (value: unknown) => value == null || (Array.isArray(value) && value.length === 0);
  return isEmpty(a) && isEmpty(b);
}
