import type { ServerPolicy, Tool } from "../call/call.js";
import { audit } from "./audit.js";
import { get } from "./get.js";
import { list } from "./list.js";
import { request } from "./request.js";
import { run } from "./run.js";
import { status } from "./status.js";

/** The tools that a server offers. */
export function toolsOf({ allowGet }: ServerPolicy): readonly Tool[] {
  return [list, run, status, audit, request, ...(allowGet ? [get] : [])];
}
