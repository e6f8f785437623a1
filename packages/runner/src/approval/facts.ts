import { isProduction } from "@agent-vault/vault/read-only";
import type { RequestedSecret, RequestedVariable, UseRequest } from "../policy/use-request.js";
import { displaySafeName, displaySafeText, displaySafeWord } from "./display-safe.js";

/** How long a fact may be: a few lines, or as many as there is room for. */
export type FactRoom = "few lines" | "list";

/** One thing that a person is told of a request, in texts that are safe to show. */
export interface Fact {
  readonly label: string;
  readonly texts: readonly string[];
  readonly room: FactRoom;
}

/** All that a person is told of a request, in the order of the question; the command comes last. */
export function factsOf(request: UseRequest): Fact[] {
  const { principal, invocation, secrets, command, variables } = request;
  const fact = (label: string, texts: readonly string[] | undefined, room: FactRoom = "few lines"): Fact[] =>
    texts === undefined ? [] : [{ label, texts, room }];
  const text = (given: string | undefined) => (given === undefined ? undefined : [given]);
  return [
    ...fact("Who", [`${describePrincipal(principal)}, key ${displaySafeName(shorten(principal.identity))}`]),
    ...fact("Started by", text(starterOf(request))),
    ...fact("Service", text(request.service && `says that it is ${displaySafeName(request.service)}`)),
    ...fact("Reason", [request.reason === undefined ? "none given" : displaySafeText(request.reason)]),
    ...fact("Folder", [displaySafeName(invocation.folder)]),
    ...fact("Repository", text(invocation.repository && `${displaySafeName(invocation.repository)}, ${branchOf(invocation.branch)}`)),
    ...fact("Secrets", byDanger(secrets).map(formatSecret), "list"),
    ...fact("Template", text(request.template && displaySafeName(request.template.file))),
    ...fact("Written to", text(request.template?.out && displaySafeName(request.template.out))),
    ...fact("Environment", request.cleanEnvironment ? ["a short list of the inherited variables"] : undefined),
    ...fact("Output", text(OUTPUT[request.output])),
    ...fact("Variables", variables.length === 0 ? undefined : textFirst(variables).map(formatVariable), "list"),
    ...fact("Command", command && [command.map(displaySafeWord).join(" ")], "list"),
  ];
}

/** In what a request differs from another one, in texts that are safe to show. Its reason does not count. */
export function differences(before: UseRequest, now: UseRequest): string[] {
  const [was, is] = [factsOf(before), factsOf(now)];
  const textsOf = (facts: readonly Fact[], label: string) => facts.find((fact) => fact.label === label)?.texts ?? [];
  const labels = [...new Set([...was, ...is].map(({ label }) => label))].filter((label) => label !== "Reason");
  const lines = labels.flatMap((label) => {
    const [old, new_] = [textsOf(was, label), textsOf(is, label)];
    const added = new_.filter((text) => !old.includes(text)).map((text) => `${label}: now ${text}`);
    const removed = old.filter((text) => !new_.includes(text)).map((text) => `${label}: no longer ${text}`);
    return [...added, ...removed];
  });
  return now.action === before.action ? lines : [`Action: now ${now.action}, no longer ${before.action}`, ...lines];
}

const OUTPUT: Readonly<Record<UseRequest["output"], string | undefined>> = {
  scrubbed: undefined,
  "short-as-is": "values under eight bytes are scrubbed only as they are",
  unscrubbed: "is not scrubbed",
};

/** The role and the name; the role alone for an owner who is called "owner". */
export function describePrincipal({ role, name }: UseRequest["principal"]): string {
  if (name === undefined) return `unknown ${role}`;
  return name === role ? role : `${role} ${displaySafeName(name)}`;
}

function shorten(identity: string): string {
  return identity.length > 24 ? `${identity.slice(0, 16)}...${identity.slice(-6)}` : identity;
}

function branchOf(branch: string | undefined): string {
  return branch === undefined ? "no branch" : `branch ${displaySafeName(branch)}`;
}

/** What seems to have started it, and whether it came over MCP. */
function starterOf({ invocation: { harness }, door }: UseRequest): string | undefined {
  const over = door === "mcp" ? "over MCP" : undefined;
  const seems = harness === undefined ? undefined : `seems to be ${displaySafeName(harness)}`;
  return [seems, over].filter((part) => part !== undefined).join(", ") || undefined;
}

/** What the asker has chosen comes before what holds a secret and nothing else. */
function textFirst(variables: readonly RequestedVariable[]): readonly RequestedVariable[] {
  return variables.toSorted((one, other) => Number(other.holds === "text") - Number(one.holds === "text"));
}

function formatVariable({ name, holds, value }: RequestedVariable): string {
  return holds === "file"
    ? `${displaySafeName(name)} is a file with ${displaySafeName(value)}`
    : `${displaySafeName(name)}=${displaySafeWord(value)}`;
}

function formatSecret({ secret, environment, access }: RequestedSecret): string {
  return `${displaySafeName(secret)} (${displaySafeName(environment ?? "environment not stated")}, ${displaySafeName(access ?? "access not stated")})`;
}

/** The worst first, so that it is among those that are shown. */
function byDanger(secrets: readonly RequestedSecret[]): RequestedSecret[] {
  const danger = ({ environment, access }: RequestedSecret) =>
    (environment !== undefined && isProduction(environment) ? 4 : 0) + (access === "admin" ? 2 : access === "read-write" ? 1 : 0);
  return secrets.toSorted((one, other) => danger(other) - danger(one));
}
