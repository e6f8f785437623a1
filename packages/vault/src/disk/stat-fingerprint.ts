import { statSync } from "node:fs";
import { join } from "node:path";

/** What differs once one of some files was changed, made or removed, without reading them. @param files relative to the folder */
export function statFingerprint(folder: string, files: readonly string[]): string {
  return files
    .map((file) => statSync(join(folder, file), { throwIfNoEntry: false }))
    .map((stat) => `${stat?.mtimeMs} ${stat?.ctimeMs} ${stat?.size} ${stat?.ino}`)
    .join();
}
