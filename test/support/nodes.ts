import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { cannot } from "./programs.js";

const NODES = resolve(import.meta.dirname, "../../node_modules/.cache/nodes/node_modules");

/** The supported versions of Node that are here, with the folder of each program; `node tools/nodes.mjs` installs them. */
export const nodes = ["20", "22", "24", "26"].flatMap((major) => {
  const folder = join(NODES, major, "bin");
  return cannot(existsSync(join(folder, "node")), `Node ${major} is not installed by tools/nodes.mjs.`) ? [] : [{ major, folder }];
});
