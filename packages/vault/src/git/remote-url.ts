import { VaultError } from "../errors.js";
import { isFullRef } from "./full-ref.js";

/** A git repository's URL, with what opens it apart, so that it gets into no message, file or argument. */
export interface RepositoryUrl {
  /** Without a password; and without a user name but for ssh, where it is no secret. */
  readonly address: string;
  /** The value of an `Authorization` header. */
  readonly authorization: string | undefined;
  /** The ref after `#`, which is followed in place of the vault's main one: a branch or tag, or a whole name such as `refs/heads/main`. */
  readonly ref?: string | undefined;
}

/** What is no path that anybody means: a URL with a space before it or a slash too few, or `user:password@host`. */
const MISTYPED = /^\s*(?:[A-Za-z][A-Za-z0-9+.-]+:(?:\/|:)|[^\s/\\]*:[^\s\\]*@[^\s/:@\\]+[:/])/;

/**
 * Reads a URL: `https://`, `ssh://`, `file://`, or ssh's short form `user@host:path`; with `#REF` behind it, that ref is followed alone.
 * @returns `undefined` for what is no URL, such as a path
 * @throws VaultError `USAGE` for another kind of URL, and for what looks like a mistyped one
 */
export function parseRepositoryUrl(text: string): RepositoryUrl | undefined {
  const [repository, ref] = splitAt(text, "#");
  const isShort = /^[A-Za-z0-9][A-Za-z0-9._-]*@[A-Za-z0-9][A-Za-z0-9.-]*:(?!\/\/)\P{Cc}+$/u.test(repository);
  if (!isShort && !MISTYPED.test(text)) return undefined;
  const followed = ref === undefined ? {} : { ref: requireRef(ref) };
  if (isShort) return { address: repository, authorization: undefined, ...followed };
  const isWhole = /^[A-Za-z][A-Za-z0-9+.-]+:\/\//.test(repository) && URL.canParse(repository) && isDecodable(repository);
  const url = isWhole ? new URL(repository) : undefined;
  if (!url || !["https:", "ssh:", "file:"].includes(url.protocol) || url.search !== "") {
    throw new VaultError("USAGE", "A vault cannot be read from a URL of this kind.", {
      remedy:
        "Use a URL that begins with https://, ssh:// or file://, or user@host:path, without ?, and with #REF for another branch. Write a folder of such a name as ./NAME.",
    });
  }
  const { username, password, protocol } = url;
  url.password = "";
  if (protocol !== "ssh:") url.username = "";
  const isBasic = protocol === "https:" && username + password !== "";
  const plain = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { address: url.href, authorization: isBasic ? `Basic ${Buffer.from(plain).toString("base64")}` : undefined, ...followed };
}

function splitAt(text: string, mark: string): [string, string | undefined] {
  const index = text.indexOf(mark);
  return index < 0 ? [text, undefined] : [text.slice(0, index), text.slice(index + 1)];
}

/** What follows the `#` is not shown: it may be part of a password. @throws VaultError `USAGE` for what is no name of a branch or tag */
function requireRef(ref: string): string {
  const isName = ref.startsWith("refs/") ? isFullRef(ref) : isFullRef(`refs/heads/${ref}`) && ref !== "HEAD";
  if (isName && !ref.startsWith("-")) return ref;
  throw new VaultError("USAGE", "What follows the # of the repository's URL is no name of a branch or tag.", {
    remedy: "Write URL#BRANCH, URL#TAG or URL#refs/heads/BRANCH, or leave the # out to follow the vault's main branch.",
  });
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * The variables with which git sends the authorization to the URL's host and nowhere else: a redirect, which git would send it after, is
 * not followed. They are for a git that talks to the remote and for no other, as every program that git starts can read them.
 * @param env the environment that they are added to, which may hold variables of the same kind
 */
export function authorizationVariables(
  env: Readonly<Record<string, string | undefined>>,
  { address, authorization }: RepositoryUrl,
): Record<string, string> {
  if (authorization === undefined) return {};
  const settings = [
    [`http.${new URL(address).origin}/.extraHeader`, `Authorization: ${authorization}`],
    // The whole address, as the setting for the longest match counts.
    [`http.${address}.followRedirects`, "false"],
  ];
  const count = Number(env["GIT_CONFIG_COUNT"]) || 0;
  return Object.fromEntries([
    ["GIT_CONFIG_COUNT", String(count + settings.length)],
    ...settings.flatMap(([key, value], index) => [
      [`GIT_CONFIG_KEY_${count + index}`, key],
      [`GIT_CONFIG_VALUE_${count + index}`, value],
    ]),
  ]) as Record<string, string>;
}
