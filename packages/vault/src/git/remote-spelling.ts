import { existsSync, realpathSync } from "node:fs";
import { resolve } from "node:path";

/** What git connects to where a URL names no port. */
const DEFAULT_PORTS: Readonly<Record<string, string>> = { https: "443", http: "80", ssh: "22", git: "9418" };

/** ssh's short form, `user@host:path`. A single letter before the colon is a drive. */
const SCP_FORM = /^(?:[^@/:]*@)?(\[[0-9a-fA-F:.]+\]|[^@/:[\]]{2,}):(.*)$/s;
const URL_FORM = /^([a-z][a-z0-9+.-]*):\/\/(?:[^/]*@)?(\[[0-9a-fA-F:.]+\]|[^/:]*)(?::(\d*))?(\/.*)?$/is;

/**
 * The one spelling of a remote: what differs between two of its URLs and not between two remotes is left out. The scheme and the user
 * are dropped, the host is lower-cased, a default port goes, `%` is decoded where it stands for a letter, digit, `-`, `.`, `_` or `~`
 * (RFC 3986, section 2.3), and one `/` and one `.git` at the end are cut; a local path is the real one. The case of a path is kept.
 *
 * The memory of trust knows a remote by this text, in Node and in Python: fixtures/remote-spellings.json has what both come to. It is a
 * convenience and no line of defence: a remote under another spelling is one that was never seen.
 * @param url as git uses it, with `insteadOf` applied
 * @param folder what a relative path is relative to
 */
export function spellRemote(url: string, folder?: string): string {
  const [, scheme, host, port, path = ""] = URL_FORM.exec(url) ?? [];
  if (scheme?.toLowerCase() === "file") return localPath(decodeEscapes(path), folder);
  if (scheme !== undefined && host !== undefined) {
    const isDefault = !port || port === DEFAULT_PORTS[scheme.toLowerCase().replace(/^(?:git\+ssh|ssh\+git)$/, "ssh")];
    return spell(isDefault ? host : `${host}:${port}`, path);
  }
  // A remote helper, such as ext::, is known by its own words.
  if (/^[a-z0-9+.-]+::/i.test(url)) return url;
  const [, shortHost, shortPath] = SCP_FORM.exec(url) ?? [];
  return shortHost !== undefined && shortPath !== undefined ? spell(shortHost, `/${shortPath}`) : localPath(url, folder);
}

function spell(host: string, path: string): string {
  const decoded = path.replace(/%([0-9a-f]{2})/gi, (escape, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16));
    return /[A-Za-z0-9._~-]/.test(character) ? character : escape.toUpperCase();
  });
  return `${host.toLowerCase()}${decoded
    .replace(/^\/+/, "/")
    .replace(/\/$/, "")
    .replace(/\.git$/, "")}`;
}

/** As git decodes a `file:` URL: what is no escape stays as it is. */
function decodeEscapes(path: string): string {
  return path.replace(/(?:%(?!00)[0-9a-f]{2})+/gi, (escapes) => Buffer.from(escapes.replaceAll("%", ""), "hex").toString("utf8"));
}

/** git finds a bare repository also without the `.git` of its name. */
function localPath(path: string, folder?: string): string {
  const absolute = folder === undefined ? path : resolve(folder, path);
  const present = [absolute, `${absolute}.git`].find((candidate) => existsSync(candidate));
  return present === undefined ? absolute.replace(/(.)\/$/, "$1") : realpathSync(present);
}
