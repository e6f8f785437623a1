import { VaultError } from "../errors.js";

/** A git repository's URL, with what opens it apart, so that it gets into no message, file or argument. */
export interface RepositoryUrl {
  /** Without a password; and without a user name but for ssh, where it is no secret. */
  readonly address: string;
  /** The value of an `Authorization` header. */
  readonly authorization: string | undefined;
}

/** What is no path that anybody means: a URL with a space before it or a slash too few, or `user:password@host`. */
const MISTYPED = /^\s*(?:[A-Za-z][A-Za-z0-9+.-]+:(?:\/|:)|[^\s/\\]*:[^\s\\]*@[^\s/:@\\]+[:/])/;

/**
 * Reads a URL: `https://`, `ssh://`, `file://`, or ssh's short form `user@host:path`.
 * @returns `undefined` for what is no URL, such as a path
 * @throws VaultError `USAGE` for another kind of URL, and for what looks like a mistyped one
 */
export function parseRepositoryUrl(text: string): RepositoryUrl | undefined {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]*@[A-Za-z0-9][A-Za-z0-9.-]*:(?!\/\/)\P{Cc}+$/u.test(text))
    return { address: text, authorization: undefined };
  if (!MISTYPED.test(text)) return undefined;
  const isWhole = /^[A-Za-z][A-Za-z0-9+.-]+:\/\//.test(text) && URL.canParse(text) && isDecodable(text);
  const url = isWhole ? new URL(text) : undefined;
  if (!url || !["https:", "ssh:", "file:"].includes(url.protocol) || url.search !== "" || url.hash !== "") {
    throw new VaultError("USAGE", "A vault cannot be read from a URL of this kind.", {
      remedy:
        "Use a URL that begins with https://, ssh:// or file://, or user@host:path, without ? and #. Write a folder of such a name as ./NAME.",
    });
  }
  const { username, password, protocol } = url;
  url.password = "";
  if (protocol !== "ssh:") url.username = "";
  const isBasic = protocol === "https:" && username + password !== "";
  const plain = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { address: url.href, authorization: isBasic ? `Basic ${Buffer.from(plain).toString("base64")}` : undefined };
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
