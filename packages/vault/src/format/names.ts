import { VaultError } from "../errors.js";

/**
 * Where a secret is stored below `secrets/`, without the ending: `stripe/api-key`, `default/token`.
 * Made by {@link parseSecretPath} alone, so a value of this type is safe to join to a folder.
 */
export type SecretPath = string & { readonly __brand: "SecretPath" };

const SEGMENT = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const MAX_SEGMENTS = 8;
/** A path as it nearly always is, all at once: thousands are read. */
const PATH = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}(?:\/[A-Za-z0-9][A-Za-z0-9._-]{0,63}){1,7}$/;
const FILE_ENDING = /\.(?:enc|meta)(?:\/|$)/i;
const DEFAULT_GROUP = "default";

/**
 * Reads a secret's path as a person writes it; a name without a group lies in `default`.
 * @throws VaultError `INVALID_NAME` where it does not fit the grammar.
 */
export function parseSecretPath(text: string): SecretPath {
  if (PATH.test(text) && !FILE_ENDING.test(text)) return text as SecretPath;
  const segments = text.split("/");
  if (segments.length > MAX_SEGMENTS) throw invalidName("secret", text, `it has more than ${MAX_SEGMENTS} segments`);
  for (const segment of segments) checkSegment("secret", text, segment);
  return (segments.length === 1 ? `${DEFAULT_GROUP}/${text}` : text) as SecretPath;
}

/** A secret's path as it is shown and as the manifest spells it: `default/` is left out before a single name. */
export function formatSecretPath(path: SecretPath): string {
  const [group, name, ...rest] = path.split("/");
  return group === DEFAULT_GROUP && rest.length === 0 ? name! : path;
}

/** The variable that a secret goes to unless another is named: `stripe/api-key` to `STRIPE_API_KEY`, `default/token` to `TOKEN`. */
export function variableName(path: SecretPath): string {
  return formatSecretPath(path)
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]/g, "_")
    .replace(/^(?=\d)/, "_");
}

/** The group that a secret belongs to when none is named: the first segment of its path. */
export function defaultGroupOf(path: SecretPath): string {
  return path.slice(0, path.indexOf("/"));
}

/** @throws VaultError `INVALID_NAME` */
export function parseAgentName(text: string): string {
  return checkSegment("agent", text, text);
}

/** @throws VaultError `INVALID_NAME` */
export function parseGroupName(text: string): string {
  return checkSegment("group", text, text);
}

/** @throws VaultError `INVALID_NAME` */
export function parseOwnerName(text: string): string {
  return checkSegment("owner", text, text);
}

/** Whether one of the functions above takes a text. */
export function isValid(parse: (text: string) => string, text: string): boolean {
  try {
    parse(text);
    return true;
  } catch {
    return false;
  }
}

function checkSegment(kind: string, text: string, segment: string): string {
  if (!SEGMENT.test(segment)) {
    throw invalidName(kind, text, "each part of a name is 1 to 64 letters, digits, '.', '_' or '-', starting with a letter or digit");
  }
  if (/\.(enc|meta)$/i.test(segment)) throw invalidName(kind, text, "no part of a name may end in .enc or .meta");
  return segment;
}

function invalidName(kind: string, text: string, reason: string): VaultError {
  return new VaultError(
    "INVALID_NAME",
    `${JSON.stringify(text)} is not ${kind === "agent" || kind === "owner" ? "an" : "a"} ${kind} name: ${reason}.`,
    {
      remedy: kind === "secret" ? "Use group/name, such as stripe/api-key." : "Choose another name.",
    },
  );
}
