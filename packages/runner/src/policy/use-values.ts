import type { RequestedSecret, UseRequest } from "./use-request.js";
import { singleSegment, type PathSegments } from "./path-segments.js";
import type { ConditionField } from "./policy.js";
import { repositoryName } from "./repository.js";

/** What a condition on a field is compared with; `undefined` where there is none, and for agents and users where it is not known who they are. */
export function useValue(
  field: ConditionField,
  { principal, invocation, command, service, action, variables }: UseRequest,
  secret: RequestedSecret,
): PathSegments | undefined {
  switch (field) {
    case "agents":
      return principal.name === undefined ? undefined : [principal.role, principal.name];
    case "users":
      return singleSegment(invocation.user);
    case "repositories":
      return invocation.repository === undefined ? undefined : repositoryName(invocation.repository).split("/");
    case "branches":
      return invocation.branch?.split("/");
    case "environments":
      return singleSegment(secret.environment);
    case "services":
      return singleSegment(service);
    case "harnesses":
      return singleSegment(invocation.harness);
    case "commands":
      return command;
    case "actions":
      return [action];
    case "env":
      return variables.length === 0 ? undefined : variables.map(({ name }) => name);
  }
}

/** As {@link useValue}, as a person reads it. */
export function describeValue(field: ConditionField, request: UseRequest, secret: RequestedSecret): string | undefined {
  const value = useValue(field, request, secret);
  if (field === "commands") return value?.map((word) => (/^[^\s"']+$/.test(word) ? word : JSON.stringify(word))).join(" ");
  if (field === "env") return value?.join(", ");
  return field === "agents" && value ? `${value[0] === "owner" ? "owner:" : ""}${value[1]}` : value?.join("/");
}
