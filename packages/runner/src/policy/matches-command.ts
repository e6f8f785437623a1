import { posix } from "node:path";
import { fitsPart, fitsParts, type Parts } from "./glob.js";

/** Where there is room for doubt, what denies is read widely and what allows narrowly. */
export type Reading = "widely" | "narrowly";

/**
 * Whether a pattern fits a program and its words. Read narrowly, the program has to be called just as the pattern has it, with the same
 * folder or none. Read widely, what a pattern names without a folder is a program of that name in any folder.
 */
export function matchesCommand([program, ...words]: Parts, [called, ...given]: Parts, reading: Reading): boolean {
  if (called === undefined || program === undefined) return false;
  if (program === "**") return fitsParts([program, ...words], [called, ...given]);
  if (!fitsParts(words, given)) return false;
  if (program === "*") return true;
  if (reading === "narrowly") return fitsPath(program, called) && (program === called || !called.split("/").includes(".."));
  const isNameAlone = !program.includes("/") || !called.includes("/");
  return fitsPath(program, posix.normalize(called)) || (isNameAlone && fitsPart(plainName(program), plainName(called)));
}

function fitsPath(pattern: string, path: string): boolean {
  return fitsParts(pattern.split("/"), path.split("/"));
}

/** A program's name without what may differ while the program is the same. */
function plainName(program: string): string {
  return program
    .replace(/^.*[\\/]/, "")
    .replace(/\.(?:exe|cmd|bat|com)$/i, "")
    .toLowerCase();
}
