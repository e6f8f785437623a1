import type { RequestedVariable, UseRequest } from "../policy/use-request.js";

/**
 * What the asker decided beside the command, as the audit log has it: a text each.
 * @param values whether the plain variables' values are in it: they may contain secrets, which can be told once those are open
 */
export function recordedRequest(
  { door, variables, cleanEnvironment, output, template, service }: UseRequest,
  values: "names" | "values",
): string[] {
  return [
    `door: ${door}`,
    ...variables.map((variable) => formatVariable(variable, values)),
    ...(cleanEnvironment ? ["environment: clean"] : []),
    ...(output === "scrubbed" ? [] : [`output: ${output}`]),
    ...(template ? [`template: ${template.file}`] : []),
    ...(template?.out === undefined ? [] : [`out: ${template.out}`]),
    ...(service === undefined ? [] : [`service: ${service}`]),
  ];
}

function formatVariable({ name, holds, value }: RequestedVariable, values: "names" | "values"): string {
  if (holds === "file") return `file: ${name}=${value}`;
  return `variable: ${name}=${holds === "secret" || values === "values" ? value : "…"}`;
}
