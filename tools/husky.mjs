// `npm install` runs this as the `prepare` script: it points git at hooks/ in a checkout, and does nothing anywhere else.
import { existsSync } from "node:fs";

if (existsSync(".git") && process.env["CI"] !== "true") {
  const { default: husky } = await import("husky");
  const problem = husky("hooks");
  if (problem) console.error(problem);
}
