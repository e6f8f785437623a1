import process from "node:process";
import { detectHarness, readSecret, type Context, type ReadAuthorizer, decodeUtf8 } from "@agent-vault/vault/read-only";
import { keyChoice } from "../flags/key-choice.js";
import { jsonText, writeOut } from "../terminal/standard-output.js";

const NEWLINE = 10;

/** Which value to print, and how. */
export interface PrintRequest {
  readonly path: string;
  readonly key: string | undefined;
  readonly token: string | undefined;
  readonly noPull: boolean;
  readonly json: boolean;
  /** Whether a program needs the value, as opposed to a person or agent who looks at the output. */
  readonly forProgram: boolean;
}

/** Prints a secret's value: exactly its bytes, or with `json` an object with the value and its encoding. */
export async function printValue(
  context: Context,
  root: string,
  { path, key, token, noPull, json, forProgram }: PrintRequest,
): Promise<void> {
  // The caller says whether a program needs the value, so a coding agent is shown it either way.
  const judge = judgeOf(forProgram && detectHarness(context.env) === undefined ? "read" : "get", token);
  const { secret, value } = await readSecret(context, root, path, { key: keyChoice(key), pull: !noPull, token, judge });
  const text = decodeUtf8(value);
  if (json) {
    const printed =
      text === undefined
        ? { secret, encoding: "base64", value: Buffer.from(value).toString("base64") }
        : { secret, encoding: "utf-8", value: text };
    return writeOut(Buffer.from(jsonText(printed)));
  }
  if (text === undefined) context.warn(`${secret} is not UTF-8 text; its ${value.length} bytes are printed unchanged.`);
  if (value.length === 0 && process.stdout.isTTY) context.warn(`${secret} is empty.`);
  await writeOut(value);
  // Keeps the next prompt off the value's line. Standard output gets the value alone.
  if (process.stdout.isTTY && process.stderr.isTTY && value.length > 0 && value.at(-1) !== NEWLINE) process.stderr.write("\n");
}

/** Loads the runner, which checks tokens and the policy, only when a read has to be authorized. */
function judgeOf(action: "get" | "read", token: string | undefined): ReadAuthorizer {
  return async (...read) => (await import("@agent-vault/runner")).authorizeRead(action, { door: "cli", token })(...read);
}
