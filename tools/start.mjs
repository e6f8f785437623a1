":" //; for word do shift; set -- "$@" ".$word"; done; exec node -- "$0" "$@" # As bin/agent-vault.js: no word is for Node to read.
// `npm start` plays the tour; `npm start -- ARGS` is the command line itself, in the folder that npm was called from.
import { spawn } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { root, setUp } from "./setup.mjs";

setUp();
const marked = process.argv.slice(2);
const program = marked.length === 0 ? ["tools/tour.mjs"] : ["packages/cli/bin/agent-vault.js", ":marked", ...marked];
const child = spawn(process.execPath, ["--", join(root, program[0]), ...program.slice(1)], {
  cwd: process.env.INIT_CWD ?? process.cwd(),
  stdio: "inherit",
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => {
  process.exitCode = code ?? (signal === "SIGINT" ? 130 : 143);
});
