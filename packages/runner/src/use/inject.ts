import type { Context } from "@agent-vault/vault/read-only";
import { parseTemplate } from "../references/template.js";
import { openUse, type SecretUse } from "./open-use.js";

/** A template to fill. */
export interface InjectRequest extends Omit<
  SecretUse,
  "action" | "secrets" | "command" | "groups" | "variables" | "cleanEnvironment" | "output" | "template"
> {
  readonly template: Uint8Array;
  /** Names the template in errors. */
  readonly file: string;
  /** Names the file that the result goes to; `undefined` for standard output. */
  readonly out?: string | undefined;
  /** Takes the filled template to where it goes. */
  write(bytes: Uint8Array): void | Promise<void>;
}

/**
 * Fills `{{ vault://group/name }}` in a template, which shows the values to the reader of the result. It goes through {@link openUse} first.
 * @throws VaultError `INVALID_REFERENCE`, and what `openUse` and `write` throw
 */
export async function inject(context: Context, request: InjectRequest): Promise<void> {
  const template = parseTemplate(request.template, request.file);
  const { secrets } = template;
  if (secrets.length === 0) {
    context.warn(`${request.file} has no reference, so nothing was replaced. A reference is {{ vault://GROUP/NAME }}.`);
    return request.write(request.template);
  }
  const use = await openUse(context, { ...request, action: "inject", secrets, template: { file: request.file, out: request.out } });
  try {
    await request.write(template.filledWith(use.values));
  } catch (error) {
    await use.end({ outcome: "failed", reason: "The result could not be written." });
    throw error;
  }
  await use.end({ outcome: "done" });
}
