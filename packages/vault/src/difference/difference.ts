import type { VaultState } from "../files/vault-state.js";
import { classify, metadataFile } from "../format/layout.js";
import { formatSecretPath, type SecretPath } from "../format/names.js";
import { andMore, plural } from "../text/counts.js";
import { compareAccess, compareRecipients, type AccessChange, type RecipientChange } from "./access.js";
import { compareAttributes } from "./attributes.js";
import type { Change } from "./change.js";
import { compareGrants } from "./grants.js";
import { lineDifference, type FileDifference } from "./line-difference.js";
import { Pair, type Unreadable } from "./pair.js";
import { comparePolicies } from "./policy.js";
import { compareRemovals } from "./removals.js";
import { compareSettings } from "./settings.js";
import { compareStrays } from "./strays.js";
import { findUnnamed } from "./unnamed-changes.js";
import { compareVersions } from "./versions.js";

/** How two states of a vault differ, in terms of who can do what. Names are sorted; secrets are spelled as they are shown. */
export interface Difference {
  /** Agents that gain or lose access to secrets; none where a manifest is unreadable. */
  readonly access: readonly AccessChange[];
  readonly recipients: readonly RecipientChange[];
  readonly secrets: { readonly added: readonly string[]; readonly removed: readonly string[]; readonly changed: readonly string[] };
  /** Other files whose bytes differ: configuration, policy, metadata, escrows. */
  readonly files: readonly string[];
  /** Everything that differs, in words, what widens first. */
  readonly changes: readonly Change[];
  /** The lines of files that words do not do justice to. Secrets and escrows are never among them. */
  readonly lines: readonly FileDifference[];
  /** What could not be compared. */
  readonly unreadable: readonly Unreadable[];
}

const MAX_NAMES = 10;

/**
 * Compares two states, without any key. What cannot be read or is not understood is shown line by line, so nothing that differs is left out.
 * @param before `undefined` where there was no vault
 * @throws VaultError `LINK_IN_VAULT`, `DAMAGED`, `FAILED` where files cannot be read at all, `TAMPERED` of a vouched state
 */
export function differenceBetween(before: VaultState | undefined, after: VaultState): Difference {
  const pair = new Pair(before, after);
  const differing = pair.differingFiles();
  const access = compareAccess(pair);
  const recipients = compareRecipients(pair);
  compareGrants(pair);
  compareRemovals(pair);
  const { secrets, paths } = compareSecrets(pair, differing);
  compareAttributes(pair, differing, paths);
  comparePolicies(pair);
  compareSettings(pair);
  compareEscrows(pair, differing, recipients);
  compareVersions(pair, differing);
  for (const file of differing) findUnnamed(pair, file);
  compareStrays(pair);
  const files = differing.filter((file) => classify(file).kind !== "secret");
  tellOfRest(pair, files);
  return {
    access,
    recipients,
    secrets,
    files,
    changes: pair.changes.toSorted((a, b) => Number(b.widens) - Number(a.widens)),
    lines: [...pair.toShow].toSorted().flatMap((file) => linesOf(pair, file)),
    unreadable: pair.unreadable,
  };
}

function compareSecrets(pair: Pair, differing: readonly string[]): { secrets: Difference["secrets"]; paths: Set<SecretPath> } {
  const secrets = { added: [] as string[], removed: [] as string[], changed: [] as string[] };
  const paths = new Set<SecretPath>();
  const metadata = { added: [] as string[], removed: [] as string[], changed: [] as string[] };
  for (const file of differing) {
    const found = classify(file);
    if (found.kind !== "secret") continue;
    const how = pair.howChanged(file);
    paths.add(found.path);
    secrets[how].push(formatSecretPath(found.path));
    metadata[how].push(metadataFile(found.path));
  }
  for (const how of ["added", "changed", "removed"] as const) {
    const names = secrets[how];
    if (names.length === 0) continue;
    const text = `${plural(names.length, "secret")} ${how}: ${andMore(names, MAX_NAMES)}`;
    pair.add({ kind: "secret", subject: how, widens: false, text }, ...metadata[how]);
  }
  return { secrets, paths };
}

/** An escrow follows the owners and its agent's key; where neither changed, another key may be in it. */
function compareEscrows(pair: Pair, differing: readonly string[], recipients: readonly RecipientChange[]): void {
  for (const file of differing) {
    const found = classify(file);
    if (found.kind !== "escrow") continue;
    const isExpected = recipients.some(({ kind, name }) => kind === "owner" || name === found.agent);
    const text = `the escrow of ${found.agent}, from which owners restore its key, was ${pair.howChanged(file)}`;
    pair.add({ kind: "escrow", subject: found.agent, widens: !isExpected, text }, file);
  }
}

/** What agent-vault keeps beside the changes that are named. */
function tellOfRest(pair: Pair, files: readonly string[]): void {
  const rest = files.filter((file) => !pair.isNamed(file));
  if (rest.length === 0) return;
  const text = `${plural(rest.length, "other file")} changed: ${andMore(rest, MAX_NAMES)}`;
  pair.add({ kind: "file", subject: rest.join(", "), widens: false, text });
}

function linesOf(pair: Pair, file: string): FileDifference[] {
  const { kind } = classify(file);
  if (kind === "secret" || kind === "escrow" || file.endsWith(".enc")) return [];
  const [before, after] = [pair.read("before", file), pair.read("after", file)];
  const isSame = before && after ? Buffer.compare(before, after) === 0 : before === after;
  return isSame ? [] : [lineDifference(file, before, after)];
}
