import { VaultError } from "../errors.js";
import { classify } from "../format/layout.js";
import { formatSecretPath, type SecretPath } from "../format/names.js";
import { eachSide, type MergeInput } from "./merge-input.js";
import type { Dialog } from "./questions.js";
import { withKept, type MergedSecret } from "./secrets.js";

/** Some disks cannot tell two paths apart that differ in case only, so one of two such secrets becomes a version of the other. */
export function settleTwins(input: MergeInput, secrets: Map<SecretPath, MergedSecret>, dialog: Dialog): void {
  const byName = new Map<string, SecretPath>();
  for (const path of [...secrets.keys()].toSorted()) {
    const twin = byName.get(path.toLowerCase());
    if (twin === undefined || input.sides.some((side) => side.has(twin) && side.has(path))) {
      byName.set(path.toLowerCase(), path);
      continue;
    }
    const [first, second] = [secrets.get(twin)!, secrets.get(path)!];
    const side = input.sides[0].has(twin) || input.sides[1].has(path) ? 0 : 1;
    const texts = eachSide(side === 0 ? [twin, path] : [path, twin], (at) => `the name is ${formatSecretPath(at)}`);
    const answer = dialog.ask("twin", formatSecretPath(twin), texts);
    const [winner, loser] = side === answer ? [first, second] : [second, first];
    const [from] = loser.values;
    const settled = withKept(input, winner, [from!, loser.own[from!]!], dialog);
    secrets.set(winner.path, { ...settled, kept: [...settled.kept, ...loser.kept] });
    secrets.delete(loser.path);
    byName.set(path.toLowerCase(), winner.path);
  }
}

/**
 * Refuses files of the two sides that some disks have one file or folder for. Two that lie beside each other on one side already are nothing new.
 * @param files of the result
 * @throws VaultError `CONFLICT`
 */
export function requireNoTwinFiles({ sides }: MergeInput, files: Iterable<string>): void {
  const [first, second] = sides.map(
    ({ digests, strays }) =>
      (file: string) =>
        digests.has(file) || strays.has(file),
  );
  const all = [...files];
  const prefixes = new Map<string, { readonly prefix: string; readonly file: string }>();
  for (const file of all) if (!second!(file)) for (const prefix of prefixesOf(file)) prefixes.set(prefix.toLowerCase(), { prefix, file });
  if (prefixes.size === 0) return;
  for (const file of all) {
    if (first!(file)) continue;
    for (const prefix of prefixesOf(file)) {
      const twin = prefixes.get(prefix.toLowerCase());
      if (twin !== undefined && twin.prefix !== prefix) throw differInCaseOnly(twin.file, file);
    }
  }
}

/** `a`, `a/b` and `a/b/c` for `a/b/c`. */
function prefixesOf(file: string): string[] {
  return file.split("/").map((_, index, parts) => parts.slice(0, index + 1).join("/"));
}

function differInCaseOnly(first: string, second: string): VaultError {
  const [name, other] = [first, second].map(describeFile);
  return new VaultError("CONFLICT", `${name} of one side and ${other} of the other differ in upper and lower case only.`, {
    remedy: `Some disks have one file for both. ${renameCommand(first)}, then run agent-vault sync again. Nothing was changed.`,
  });
}

function describeFile(file: string): string {
  const found = classify(file);
  if (found.kind === "secret" || found.kind === "metadata") return `The secret ${formatSecretPath(found.path)}`;
  if (found.kind === "public-key" || found.kind === "escrow") return `The agent ${found.agent}`;
  return file;
}

function renameCommand(file: string): string {
  const { kind } = classify(file);
  if (kind === "secret" || kind === "metadata") return "Give yours another name with agent-vault move";
  if (kind === "public-key" || kind === "escrow") return "Remove yours with agent-vault remove-agent, and add it under another name";
  return "Give yours another name";
}
