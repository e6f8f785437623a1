// Asks for an approval as `agent-vault run` does, in a process of its own: node ask-approval.mjs QUESTION(JSON) [OPTIONS(JSON)].
import process from "node:process";
import { askApproval, SessionApprovals } from "../../../packages/runner/dist/index.js";
import { processContext } from "../../../packages/vault/dist/index.js";

const [question, options = "{}"] = process.argv.slice(2).map((word) => JSON.parse(word));
const context = processContext({ warn: (message) => process.stderr.write(`warning: ${message}\n`) });
const memory = new SessionApprovals();
try {
  const answers = [];
  // Each question of a list is asked in its turn, in one session.
  for (const one of [question].flat()) {
    const { error, ...answer } = await askApproval(context, one, { memory, ...options });
    answers.push({ ...answer, ...(error && { code: error.code, message: error.message }) });
  }
  process.stderr.write(`ANSWERS ${JSON.stringify(answers)}\n`);
} catch (error) {
  process.stderr.write(`ANSWERS ${JSON.stringify([{ code: error.code, remedy: error.remedy }])}\n`);
}
