import { lstatSync, readdirSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { join } from "node:path";
import process from "node:process";

/** Where a test that forgets its own home would write: the person's, and the root folder for a user without one. */
function places(): string[] {
  const homes = new Set([homedir(), ...(process.platform === "win32" ? [] : [userInfo().homedir, "/"])]);
  return [...homes].flatMap((home) => [".agent-vault", ".config/agent-vault", ".gitconfig"].map((name) => join(home, name)));
}

/** What vitest runs before all tests and, as the function that it returns, after them: the run fails where a test has touched what is not its own. */
export default function setup(): () => void {
  const before = new Map(places().map((place) => [place, entriesOf(place)]));
  return () => {
    const touched = [...before].filter(([place, entries]) => entriesOf(place) !== entries).map(([place]) => place);
    if (touched.length === 0) return;
    process.exitCode = 1;
    throw new Error(
      `${touched.join(" and ")} changed while the tests ran. A test wrote outside of its own folder, or another program did.`,
    );
  };
}

/** Every file and folder at and below a path, with its size and when it was changed. */
function entriesOf(path: string): string {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return "";
  const below = stat.isDirectory() ? readdirSync(path).map((name) => entriesOf(join(path, name))) : [];
  return [`${path} ${stat.size} ${stat.ctimeMs}`, ...below].join("\n");
}
