import { classify, CONFIG_FILE, POLICY_FILE } from "../format/layout.js";
import { formatSecretPath } from "../format/names.js";
import { withoutSignedFiles } from "../lock/added-files.js";
import type { VaultState } from "./vault-state.js";
import { andMore, plural } from "../text/counts.js";

/** How two states of a vault differ, in terms of who can read what. Names are sorted; secrets are spelled as they are shown. */
export interface AccessDifference {
  /** Agents that gain or lose access to secrets. */
  readonly access: readonly { readonly agent: string; readonly gains: readonly string[]; readonly loses: readonly string[] }[];
  /** Recipients (`age1...`) that were added, removed or replaced: the holder of the key reads as that owner or agent. */
  readonly recipients: readonly {
    readonly kind: "owner" | "agent";
    readonly name: string;
    readonly before: string | undefined;
    readonly after: string | undefined;
  }[];
  readonly secrets: { readonly added: readonly string[]; readonly removed: readonly string[]; readonly changed: readonly string[] };
  /** Other files whose bytes differ: configuration, policy, metadata, escrows. */
  readonly files: readonly string[];
}

/**
 * Compares two states, without any key.
 * @param before `undefined` where there was no vault
 * @throws VaultError `INVALID_YAML`, `INVALID_MANIFEST`, `INVALID_RECIPIENT` where a state cannot be read
 */
export function accessDifference(before: VaultState | undefined, after: VaultState): AccessDifference {
  const [readBefore, readAfter] = [readersOf(before), readersOf(after)];
  const access = sorted([...readBefore.keys(), ...readAfter.keys()]).flatMap((agent) => {
    const [had, has] = [readBefore.get(agent) ?? new Set<string>(), readAfter.get(agent) ?? new Set<string>()];
    const [gains, loses] = [[...has].filter((secret) => !had.has(secret)), [...had].filter((secret) => !has.has(secret))];
    return gains.length + loses.length > 0 ? [{ agent, gains, loses }] : [];
  });

  const [recipientsBefore, recipientsAfter] = [recipientsOf(before), recipientsOf(after)];
  const recipients = sorted([...recipientsBefore.keys(), ...recipientsAfter.keys()]).flatMap((entry) => {
    const [old, now] = [recipientsBefore.get(entry), recipientsAfter.get(entry)];
    const [kind, name] = entry.split(" ") as ["owner" | "agent", string];
    return old === now ? [] : [{ kind, name, before: old, after: now }];
  });

  const [digestsBefore, digestsAfter] = [before?.digests() ?? new Map<string, string>(), after.digests()];
  const secrets = { added: [] as string[], removed: [] as string[], changed: [] as string[] };
  const files: string[] = [];
  for (const file of sorted([...digestsBefore.keys(), ...digestsAfter.keys()])) {
    const [old, now] = [digestsBefore.get(file), digestsAfter.get(file)];
    if (old === now) continue;
    const found = classify(file);
    // What follows from the other files, and from what was signed before.
    if (found.kind === "added" || (file === CONFIG_FILE && isSameConfig(before, after))) continue;
    if (found.kind !== "secret") files.push(file);
    else secrets[old === undefined ? "added" : now === undefined ? "removed" : "changed"].push(formatSecretPath(found.path));
  }
  return { access, recipients, secrets, files };
}

/** The difference in lines for a person, without indentation; none where nothing differs. */
export function describeDifference({ access, recipients, secrets, files }: AccessDifference): string[] {
  const policyChanged = files.includes(POLICY_FILE);
  const others = files.filter((file) => file !== POLICY_FILE);
  const line = (names: readonly string[], heading: string) => (names.length > 0 ? [`${heading}: ${andMore(names, 10)}`] : []);
  return [
    ...access.flatMap(({ agent, gains, loses }) => [
      ...line(gains, `agent ${agent} gains access to ${plural(gains.length, "secret")}`),
      ...line(loses, `agent ${agent} loses access to ${plural(loses.length, "secret")}`),
    ]),
    ...recipients.map(({ kind, name, before, after }) =>
      before === undefined
        ? `new ${kind} ${name} with the key ${after}`
        : after === undefined
          ? `${kind} ${name} was removed`
          : `${kind} ${name} has a different key: ${after} instead of ${before}`,
    ),
    ...line(secrets.added, `${plural(secrets.added.length, "secret")} added`),
    ...line(secrets.changed, `${plural(secrets.changed.length, "secret")} changed`),
    ...line(secrets.removed, `${plural(secrets.removed.length, "secret")} removed`),
    ...(policyChanged ? [`${POLICY_FILE} changed, which says who may use which secret, and how`] : []),
    ...line(others, `${plural(others.length, "other file")} changed`),
  ];
}

/** Whether all that a person sets in `config.yaml` is as before. */
function isSameConfig(before: VaultState | undefined, after: VaultState): boolean {
  const [old, now] = [before?.read(CONFIG_FILE), after.read(CONFIG_FILE)];
  return old !== undefined && now !== undefined && withoutSignedFiles(old) === withoutSignedFiles(now);
}

function readersOf(state: VaultState | undefined): Map<string, Set<string>> {
  const readers = new Map<string, Set<string>>();
  for (const path of state?.secretPaths() ?? []) {
    for (const agent of state!.agentsOf(path)) {
      const secrets = readers.get(agent) ?? new Set();
      readers.set(agent, secrets.add(formatSecretPath(path)));
    }
  }
  return readers;
}

/** Recipients by `owner NAME` and `agent NAME`. */
function recipientsOf(state: VaultState | undefined): Map<string, string> {
  if (!state) return new Map();
  return new Map([
    ...state.owners.map(({ name, recipient }) => [`owner ${name}`, recipient.text] as const),
    ...[...state.manifest.agents.keys()].map((agent) => [`agent ${agent}`, state.agentRecipient(agent).text] as const),
  ]);
}

function sorted(names: readonly string[]): string[] {
  return [...new Set(names)].toSorted();
}
