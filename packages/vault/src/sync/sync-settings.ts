import { VaultError } from "../errors.js";
import { CONFIG_FILE } from "../format/layout.js";
import type { Settings } from "../format/config.js";
import type { VaultFiles } from "../files/vault-files.js";

/** The longest time that a vault's `pull_interval` can keep readers from asking the remote. */
const MAX_INTERVAL_S = 86_400;

/** What a vault says of its remote. */
export interface SyncSettings {
  /** Seconds in which a second read does not ask the remote again. */
  readonly intervalS: number;
  readonly sync: Settings["sync"];
}

/** The settings of some files; their defaults where the configuration cannot be read, which may be mended upstream. */
export async function readSyncSettings(files: Pick<VaultFiles, "read">): Promise<SyncSettings> {
  const { Config } = await import("../format/config.js");
  const defaults = Config.create("of-defaults").settings;
  try {
    const bytes = files.read(CONFIG_FILE);
    const { pull_interval: intervalS, sync } = bytes ? Config.parse(bytes).settings : { ...defaults, pull_interval: 0 };
    return { intervalS: Math.min(intervalS, MAX_INTERVAL_S), sync };
  } catch (error) {
    if (error instanceof VaultError) return { intervalS: 0, sync: defaults.sync };
    throw error;
  }
}
