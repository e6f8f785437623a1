import type { Context } from "../context.js";
import { VaultError } from "../errors.js";

/**
 * Looks at the files of a work tree. Where they are not what was signed, the error names the very files, as far as git's history
 * tells which they are: the look itself knows whole folders only.
 * @throws VaultError what `look` throws
 */
export async function withTamperedFileNames<T>(context: Context, root: string, look: () => T): Promise<T> {
  try {
    return look();
  } catch (error) {
    if (!(error instanceof VaultError) || error.code !== "TAMPERED") throw error;
    const { nameFiles } = await import("./differing-files.js");
    throw await nameFiles(context, root, error).catch(() => error);
  }
}
