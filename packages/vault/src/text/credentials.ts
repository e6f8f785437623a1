/** What stands before the path in a URL without credentials: a host with or without a port. */
const HOST_AND_PORT = /^(?:\[[^\]]*\]|[^:]*)(?::\d*)?$/;

/** `user:password@` before `host:path`. In `git@host:path` the user is no credential. */
const SCP_CREDENTIALS = /^[^\s/:@]*:(?![/:])\S*@(?=(?:\[[^\]\s]*\]|[^\s/:@]+):)/;

/**
 * A remote's URL without user name, password, query and fragment. The records of trust and the audit log know a remote by this text, and
 * the Python SDK has to come to the same: both are tested with fixtures/remote-urls.json.
 */
export function withoutCredentials(url: string): string {
  const [, scheme, rest] = /^([a-z][a-z0-9+.-]*:\/\/)(.*)$/is.exec(url) ?? [];
  return scheme === undefined ? url.replace(SCP_CREDENTIALS, "") : scheme + withoutUserAndQuery(scheme, rest!);
}

/** Words like URLs, with as few slashes as a mistyped one has; and `user:password@` before `host:path` or `host/path`. */
const URLS_IN_TEXT =
  /(file:\/\/|[a-z][a-z0-9+.-]+:\/+)((?:[^\s'"]|['"](?=[^\s'"]*@))*)|(?<![^\s'"(=/])[^\s'"/:@=(]*:(?![/:])[^\s'"]*@(?=(?:\[[^\]\s]*\]|[^\s'"/:@]+)[:/])/gi;

/** Keys of age and of its plugins, and tokens, as far as somebody may have typed them. */
const KEYS_IN_TEXT = /(AGE-SECRET-KEY-(?:PQ-)?)[A-Z0-9]{4,}|(AGE-PLUGIN-)[A-Z0-9+._-]*1[A-Z0-9]{6,}|(avt1_)[A-Z0-9_-]+/gi;

/** Whether a text holds a private key, one that a passphrase protects, or a token: where the name of a file is meant, it is refused. */
export function holdsKey(text: string): boolean {
  return text.search(KEYS_IN_TEXT) >= 0 || /AGE-SECRET-KEY-|-----BEGIN AGE ENCRYPTED FILE-----/i.test(text);
}

/**
 * A text without what may have come into it by a word in the wrong place: the credentials and the query of a URL, a private key, a token.
 * Every error and warning goes through it. Python has the same, tested with fixtures/remote-urls.json.
 */
export function hideCredentials(text: string): string {
  return text
    .replace(URLS_IN_TEXT, (_word, scheme?: string, rest?: string) =>
      scheme === undefined ? "" : scheme + withoutUserAndQuery(scheme, rest!),
    )
    .replace(KEYS_IN_TEXT, (_key, age?: string, plugin?: string, token?: string) => `${age ?? plugin ?? token}…`);
}

/** @param rest what comes after `scheme`, such as `https://` */
function withoutUserAndQuery(scheme: string, rest: string): string {
  const [authority] = rest.split("/", 1);
  // Up to the last @ before the path, as a password may have one itself; or of all, where a / in the password ends no host.
  const named = authority!.includes("@") || HOST_AND_PORT.test(authority!) ? authority! : rest;
  const address = rest.slice(named.lastIndexOf("@") + 1);
  return /^file:/i.test(scheme) ? address : address.replace(/[?#].*?(?=[.,;:)]*$)/s, "");
}
