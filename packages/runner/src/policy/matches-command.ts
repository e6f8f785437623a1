import { posix } from "node:path";
import { matchesSegment, matchesSegments } from "./glob.js";
import type { PathSegments } from "./path-segments.js";

/** In doubt, what denies is read loosely and what allows strictly. */
export type Strictness = "loose" | "strict";

/**
 * Whether a pattern matches a program and its arguments. Read strictly, the program has to be called just as the pattern has it, with the same
 * folder or none. Read loosely, what a pattern names without a folder is a program of that name in any folder.
 */
export function matchesCommand([program, ...args]: PathSegments, [called, ...given]: PathSegments, strictness: Strictness): boolean {
  if (called === undefined || program === undefined) return false;
  if (program === "**") return matchesSegments([program, ...args], [called, ...given]);
  if (!matchesSegments(args, given)) return false;
  if (program === "*") return true;
  if (strictness === "strict") return matchesPath(program, called) && (program === called || !called.split("/").includes(".."));
  const isNameAlone = !program.includes("/") || !called.includes("/");
  return matchesPath(program, posix.normalize(called)) || (isNameAlone && matchesSegment(plainName(program), plainName(called)));
}

function matchesPath(pattern: string, path: string): boolean {
  return matchesSegments(pattern.split("/"), path.split("/"));
}

/** A program's name without what may differ while the program is the same. */
function plainName(program: string): string {
  return program
    .replace(/^.*[\\/]/, "")
    .replace(/\.(?:exe|cmd|bat|com)$/i, "")
    .toLowerCase();
}
