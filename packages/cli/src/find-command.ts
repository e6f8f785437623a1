import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Every file in this folder is a command: `token/mint.js` is `token mint`. */
const FOLDER = new URL("./commands/", import.meta.url);
/** A word of a command, so that no other word on the command line becomes part of a file's path. */
const NAME = /^[a-z]+(?:-[a-z]+)*$/;

/** The command that a command line begins with, such as `get` or `token mint`. */
export function findCommand(argv: readonly string[]): string | undefined {
  return [argv.slice(0, 2), argv.slice(0, 1)].find(isCommand)?.join(" ");
}

/** The file of a command. @param id as {@link findCommand} returns it */
export function commandFile(id: string): URL {
  return fileOf(id.split(" "));
}

/** Every command, sorted. */
export function commandIds(): string[] {
  return readdirSync(FOLDER, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".js"))
    .map((file) => file.slice(0, -".js".length).replaceAll(/[/\\]/g, " "))
    .toSorted();
}

function isCommand(names: readonly string[]): boolean {
  return names.length > 0 && names.every((name) => NAME.test(name)) && existsSync(fileURLToPath(fileOf(names)));
}

function fileOf(names: readonly string[]): URL {
  return new URL(`${names.join("/")}.js`, FOLDER);
}
