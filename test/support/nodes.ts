import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { cannot } from "./programs.js";

const NODES = resolve(import.meta.dirname, "../../node_modules/.cache/nodes/node_modules");
const [own] = process.versions.node.split(".");

/** The supported versions of Node that are here, with the folder of each program: the one that runs the tests, and what `node tools/nodes.mjs` installs. */
export const nodes = ["20", "22", "24", "26"].flatMap((major) => {
  const folder = join(NODES, major, "bin");
  if (existsSync(join(folder, "node"))) return [{ major, folder }];
  if (major === own) return [{ major, folder: dirname(process.execPath) }];
  cannot(false, `Node ${major} is not installed by tools/nodes.mjs.`);
  return [];
});
