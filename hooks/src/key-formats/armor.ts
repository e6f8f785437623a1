import {
  characters,
  charactersOfOne,
  encoded,
  isPlaceholder,
  MAX_BODY_LENGTH,
  MAX_HEADER_LENGTH,
  type KeyFormat,
  type KeyKind,
  type KeyReader,
} from "./key-format.js";

/** A space is written otherwise in URLs. */
const ARMOR_HEADER =
  /^-----BEGIN(?: |%20|\+)(?:(?:[A-Z0-9]+?(?: |%20|\+)){0,3}PRIVATE(?: |%20|\+)KEY(?:(?: |%20|\+)BLOCK)?|OpenVPN Static key V1)-----/;
const SSH2_HEADER = /^---- BEGIN SSH2 (?:ENCRYPTED )?PRIVATE KEY ----/;
/** An EC private key without its parameters, the shortest of them all, has 52 characters. */
const MIN_BODY_LENGTH = 40;

/** RFC 7468 and formats like it (RFC 4716, OpenVPN). The header alone is not a key (documentation quotes it): a body must follow. */
const armoredKey: KeyReader = (window, at, width) => {
  const start = characters(window, at, MAX_HEADER_LENGTH, width);
  const header = (ARMOR_HEADER.exec(start) ?? SSH2_HEADER.exec(start))?.[0];
  if (header === undefined) return undefined;
  const from = at + header.length * width;
  const dashes = window
    .subarray(from, from + MAX_BODY_LENGTH * width)
    .indexOf(encoded(header.startsWith("-----") ? "-----" : "----", width));
  const text = armoredBody(characters(window, from, dashes < 0 ? MAX_BODY_LENGTH : dashes / width, width));
  return text === undefined ? undefined : { kind: kindOf(header), text };
};

/** Of what is base64 as a whole, such as the data of a Secret of Kubernetes, the key inside of it counts. */
const armoredKeyInBase64: KeyReader = (window, at, width) => {
  const start = Buffer.from(characters(window, at, MAX_HEADER_LENGTH, width), "base64").toString("latin1");
  if (!ARMOR_HEADER.test(start)) return undefined;
  const base64 = armoredBody(charactersOfOne(window, at, width, BASE64_BEGINNING));
  return base64 === undefined ? undefined : armoredKey(Buffer.from(base64, "base64"), 0, 1);
};

/** `-----BEGIN ` */
const BASE64_BEGINNING = "LS0tLS1CRUdJTi";

/** Keys between a BEGIN and an END line. */
export const ARMOR_FORMATS: readonly KeyFormat[] = [
  { beginning: "-----BEGIN ", read: armoredKey },
  { beginning: "-----BEGIN%20", read: armoredKey },
  { beginning: "-----BEGIN+", read: armoredKey },
  { beginning: "---- BEGIN SSH2 ", read: armoredKey },
  { beginning: BASE64_BEGINNING, read: armoredKeyInBase64 },
];

function kindOf(header: string): KeyKind {
  if (header.includes("OPENSSH")) return "openssh-private-key";
  if (header.includes("PGP")) return "pgp-private-key";
  if (header.includes("SSH2")) return "ssh2-private-key";
  return header.includes("OpenVPN") ? "openvpn-static-key" : "private-key-pem";
}

/** Line breaks as strings of JSON, YAML, shells and programs write them, also escaped twice, as URLs do, and as HTML and XML do. */
const ESCAPED_SPACE = /\\+(?:[nrt]|u000[ad]|x0[ad])|%0[ad]|&#(?:x0*[ad]|0*1[03]);|<br ?\/?>/gi;
/** The characters of base64 and of headers that URLs, JSON and HTML write otherwise. */
const ESCAPED_CHARACTERS: readonly [RegExp, string][] = [
  [/%2b|&#43;|&#x2b;|\\u002b/gi, "+"],
  [/%2f|&#47;|&#x2f;|\\u002f|\\\//gi, "/"],
  [/%3d|&#61;|&#x3d;|\\u003d/gi, "="],
  [/%3a/gi, ":"],
  [/%2c/gi, ","],
  [/%20/g, " "],
];
/**
 * What may be between the lines of a body: white space, and the quotes, prefixes of strings (`b"`, `r'`, `@"`), brackets, commas, joins and comment marks of
 * a file that the key is pasted into.
 */
const GAP =
  /(?:[\s"'`,;>#*|\\.&!()[\]{}~_$@^%<:?]|[A-Za-z][A-Za-z0-9]{0,2}(?=["'])|(?:rem|REM|dnl)(?=\s)|\+(?=[\s"'`])|\/[/*](?=\s)|\*\/|-{1,3}(?=[\s>]))*/y;
/** `Proc-Type: 4,ENCRYPTED`, `DEK-Info: …`, `Version: …`; the first two also on one line. */
const HEADER = /Proc-Type: ?4,ENCRYPTED\s+DEK-Info: ?[\w-]+,[0-9A-F]+|[A-Za-z][\w-]*: [^\n]*\n/y;
const RUN = /[A-Za-z0-9+/]{16,}={0,2}/y;
const LAST_RUN = /[A-Za-z0-9+/]{1,15}={0,2}/y;

/** The base64 of what follows the header line up to the next dashes, or `undefined` where it is something else. */
export function armoredBody(raw: string): string | undefined {
  const text = ESCAPED_CHARACTERS.reduce((all, [escape, character]) => all.replace(escape, character), raw).replace(ESCAPED_SPACE, "\n");
  let at = 0;
  const take = (pattern: RegExp): string => {
    pattern.lastIndex = at;
    const match = pattern.exec(text)?.[0] ?? "";
    at += match.length;
    return match;
  };

  do take(GAP);
  while (take(HEADER) !== "");
  let body = "";
  for (let run = take(RUN); run !== ""; run = take(RUN)) {
    body += run;
    take(GAP);
  }
  const last = take(LAST_RUN);
  take(GAP);
  if (at === text.length || text[at] === "=") body += last;
  return body.length < MIN_BODY_LENGTH || isPlaceholder(body) ? undefined : body;
}
