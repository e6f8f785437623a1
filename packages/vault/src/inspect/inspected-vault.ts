import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import type { Owner, VaultState } from "../files/vault-state.js";
import type { Settings } from "../format/config.js";
import { CONFIG_FILE, FIRST_OWNER_FILE, MANIFEST_FILE, type VaultFile } from "../format/layout.js";
import type { Manifest } from "../format/manifest.js";
import type { SecretPath } from "../format/names.js";
import { damageFinding } from "./damage.js";
import type { Finding } from "./finding.js";

/** A vault, with what could be read of it. */
export interface InspectedVault {
  readonly state: VaultState;
  readonly now: Date;
  /** Regular files that belong in a vault, by their path in it. */
  readonly files: ReadonlyMap<string, VaultFile>;
  /** Secrets that have a file. */
  readonly secrets: readonly SecretPath[];
  /** `undefined` where it cannot be read, as the next two. */
  readonly manifest: Manifest | undefined;
  readonly settings: Settings | undefined;
  readonly owners: readonly Owner[] | undefined;
  /** The agents that can read something. */
  readonly readers: ReadonlySet<string>;
}

/** Reads what all parts of an inspection need. @returns with it a finding for each part that cannot be read */
export function openForInspection(
  context: Context,
  state: VaultState,
  files: ReadonlyMap<string, VaultFile>,
): { vault: InspectedVault; damage: Finding[] } {
  const damage: Finding[] = [];
  const read = <T>(subject: string, file: string, look: () => T): T | undefined => {
    try {
      return look();
    } catch (error) {
      damage.push(damageFinding(state, subject, file, error));
      return undefined;
    }
  };
  const manifest = read(MANIFEST_FILE, MANIFEST_FILE, () => state.manifest);
  const settings = read(CONFIG_FILE, CONFIG_FILE, () => state.config.settings);
  const owners = manifest && read("owners", FIRST_OWNER_FILE, () => state.owners);
  const secrets = [...files.values()].flatMap((found) => (found.kind === "secret" ? [found.path] : []));
  const readers = new Set(manifest ? secrets.flatMap((path) => readersOf(state, path)) : []);
  return { vault: { state, now: context.now(), files, secrets, manifest, settings, owners, readers }, damage };
}

/** Those of a secret, none where they cannot be told: what is wrong with it is a finding of its own. */
function readersOf(state: VaultState, path: SecretPath): readonly string[] {
  try {
    return state.agentsOf(path);
  } catch (error) {
    if (error instanceof VaultError) return [];
    throw error;
  }
}
