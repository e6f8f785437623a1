// Ways in which a command may show a secret that it got in its environment, and how a reader of the output gets it back.
import { gunzipSync } from "node:zlib";
import type { Program } from "../support/programs.js";

/** A token as services give them. */
export const TOKEN = "tk_9xQ7_4eC39HqLyjWDarjtT1zdp7dc";
/** A password that every encoding has to change. */
export const AWKWARD = `pa"ss/Wo+rd é&'q%42 <z>\\n=Qx`;
/** Several lines. */
export const KEY = `-----BEGIN TEST KEY-----\nMC4CAQAwBQYDK2VwBCIEIPz8dLkYVQ7xGJ2E\nq0rVnH3cWm5uT9sKfBzX\nQk8=\n-----END TEST KEY-----\n`;
const KEY_LINES = KEY.split("\n");
export const SECRETS = [
  { name: "stripe/token", value: TOKEN },
  { name: "db/password", value: AWKWARD },
  { name: "ssh/key", value: KEY },
];

export interface Attempt {
  readonly what: string;
  /** For bash, with `$TOKEN`, `$AWKWARD` and `$KEY`. */
  readonly script: string;
  /** Whether there is such a thing on Linux alone. */
  readonly linux?: boolean;
  /** Beside bash. */
  readonly needs?: readonly Program[];
  /** How one gets the value back from the output; by reading it, if nothing is given. */
  readonly decode?: (output: string) => string;
  /** How the value looks after `decode`, if that is not how it was given. */
  readonly shows?: string | undefined;
  readonly value: string;
}

const NODE = JSON.stringify(process.execPath);
const node = (code: string): string => `${NODE} -e '${code}'`;
const python = (code: string): string => `python3 -c '${code}'`;

const fromBase64 = (output: string): string =>
  (output.match(/[A-Za-z0-9+/_\s-]{8,}/g) ?? []).map((text) => Buffer.from(text.replace(/\s/g, ""), "base64").toString("utf8")).join("\n");
const fromHex = (output: string): string => Buffer.from(output.replace(/0x/g, "").replace(/[^0-9a-fA-F]/g, ""), "hex").toString();
/** What each line of a dump has between the address and the column of text. */
const fromDump = (output: string): string =>
  fromHex(
    output
      .replace(/^[0-9a-f]{7,8}:? */gm, "")
      .replace(/ {3,}.*$/gm, "")
      .replace(/(?<=(?:[0-9a-f]{2,4} ){7,}[0-9a-f]{2,4})  .*$/gm, ""),
  );
const fromWords = (output: string): string => Buffer.from(fromDumpHex(output).replace(/(..)(..)/g, "$2$1"), "hex").toString();
const fromDumpHex = (output: string): string => output.replace(/^[0-9a-f]{7}/gm, "").replace(/[^0-9a-f]/g, "");
const fromColumns = (output: string): string =>
  output
    .replace(/^[0-7]{7}/gm, "")
    .replace(/\n/g, "")
    .replace(/   (.)|  (\\.)| ([0-7]{3})/g, "$1$2$3");
const fromNumbers = (output: string): string => Buffer.from((output.match(/\d+/g) ?? []).map(Number)).toString();
const fromPercent = (output: string): string => decodeURIComponent(output.replace(/%(?![0-9a-f]{2})/gi, "%25").replaceAll("+", " "));
const fromJson = (output: string): string => String(JSON.parse(output));
const fromJsonTwice = (output: string): string => String(JSON.parse(fromJson(output)));

/** What the scrubber stops. */
export const STOPPED: readonly Attempt[] = [
  { what: "echo", script: `echo "$TOKEN"`, value: TOKEN },
  { what: "echo of a password with all kinds of characters", script: `echo "$AWKWARD"`, value: AWKWARD },
  { what: "echo to standard error", script: `echo "$TOKEN" >&2`, value: TOKEN },
  { what: "printf in two pieces with a pause", script: `printf %s "\${TOKEN:0:11}"; sleep 0.03; printf %s "\${TOKEN:11}"`, value: TOKEN },
  {
    what: "printf character by character with pauses",
    script: `for ((i = 0; i < \${#TOKEN}; i++)); do printf %s "\${TOKEN:i:1}"; sleep 0.002; done`,
    value: TOKEN,
  },
  { what: "env", script: `env`, value: AWKWARD },
  { what: "declare -p", script: `declare -p TOKEN`, value: TOKEN },
  { what: "set -x", script: `set -x; : "$TOKEN"`, value: TOKEN },
  { what: "an error message of a program", script: `ls "/nonexistent/$TOKEN"`, value: TOKEN },
  { what: "/proc/self/environ", script: `cat /proc/self/environ`, linux: true, value: TOKEN },
  { what: "printf %q", script: `printf '%q' "$AWKWARD"`, value: AWKWARD, decode: (output) => output.replace(/\\(.)/g, "$1") },
  {
    what: "a shell's quotes (@Q)",
    script: `printf '%s' "\${AWKWARD@Q}"`,
    value: AWKWARD,
    decode: (output) => output.replaceAll(`'\\''`, "'"),
  },
  { what: "a key of several lines", script: `printf %s "$KEY"`, value: KEY },
  { what: "one line of a key (grep)", script: `grep MC4 <<<"$KEY"`, value: KEY, shows: KEY_LINES[1] },
  { what: "a key with its lines numbered", script: `cat -n <<<"$KEY"`, value: KEY, shows: KEY_LINES[2] },
  {
    what: "a key without its line breaks as one line each (jq -R)",
    script: `jq -R . <<<"$KEY"`,
    needs: ["jq"],
    value: KEY,
    shows: KEY_LINES[1],
  },
  { what: "base64", script: `printf %s "$TOKEN" | base64`, value: TOKEN, decode: fromBase64 },
  { what: "base64 behind one byte", script: `printf 'x%s' "$TOKEN" | base64`, value: TOKEN, decode: fromBase64 },
  { what: "base64 behind two bytes", script: `printf 'xy%s.' "$TOKEN" | base64`, value: TOKEN, decode: fromBase64 },
  { what: "base64 of a long text, in lines of 76", script: `env | base64`, value: TOKEN, decode: fromBase64 },
  { what: "base64 -w0", script: `printf %s "$KEY" | base64 -w0`, value: KEY, decode: fromBase64 },
  { what: "base64 -w1", script: `printf %s "$TOKEN" | base64 -w1`, value: TOKEN, decode: fromBase64 },
  { what: "base64url", script: `printf %s "$AWKWARD" | basenc --base64url`, needs: ["basenc"], value: AWKWARD, decode: fromBase64 },
  { what: "openssl base64", script: `printf %s "$KEY" | openssl base64`, needs: ["openssl"], value: KEY, decode: fromBase64 },
  { what: "xxd -p", script: `printf %s "$KEY" | xxd -p`, needs: ["xxd"], value: KEY, decode: fromHex },
  { what: "xxd -p -u", script: `printf %s "$AWKWARD" | xxd -p -u`, needs: ["xxd"], value: AWKWARD, decode: fromHex },
  { what: "xxd -i", script: `printf %s "$TOKEN" | xxd -i`, needs: ["xxd"], value: TOKEN, decode: fromHex },
  { what: "xxd", script: `printf %s "$TOKEN" | xxd`, needs: ["xxd"], value: TOKEN, decode: fromDump },
  {
    what: "xxd of the whole environment",
    script: `env -i A=1 TOKEN="$TOKEN" Z=1 env | xxd`,
    needs: ["xxd"],
    value: TOKEN,
    decode: fromDump,
  },
  { what: "od -c", script: `printf %s "$TOKEN" | od -c`, value: TOKEN, decode: fromColumns },
  { what: "hexdump -c", script: `printf %s "$TOKEN" | hexdump -c`, needs: ["hexdump"], value: TOKEN, decode: fromColumns },
  {
    what: "openssl's way of hex",
    script: `printf %s "$TOKEN" | xxd -p -c0 | sed 's/../&:/g' | fold -w45 | sed 's/^/    /'`,
    needs: ["xxd"],
    value: TOKEN,
    decode: fromHex,
  },
  { what: "od -An -tx1", script: `printf %s "$KEY" | od -An -tx1`, value: KEY, decode: fromHex },
  { what: "od -tx1", script: `printf %s "$TOKEN" | od -tx1`, value: TOKEN, decode: fromDump },
  { what: "od -An -tu1", script: `printf %s "$TOKEN" | od -An -tu1 -w64`, value: TOKEN, decode: fromNumbers },
  { what: "od -x", script: `printf %s "$TOKEN" | od -x`, value: TOKEN, decode: fromWords },
  { what: "hexdump", script: `printf %s "$TOKEN" | hexdump`, needs: ["hexdump"], value: TOKEN, decode: fromWords },
  {
    what: "hexdump -C",
    script: `printf %s "$TOKEN" | hexdump -C`,
    needs: ["hexdump"],
    value: TOKEN,
    decode: (output) => fromHex(output.replace(/^[0-9a-f]{8}|\|.*/gm, "")),
  },
  { what: "jq, a string", script: `jq -n '$ENV.AWKWARD'`, needs: ["jq"], value: AWKWARD, decode: fromJson },
  { what: "jq, JSON in JSON", script: `jq -n '{a: $ENV.AWKWARD} | tojson'`, needs: ["jq"], value: AWKWARD, decode: fromJsonObjectInJson },
  { what: "jq @uri", script: `jq -rn '$ENV.AWKWARD | @uri'`, needs: ["jq"], value: AWKWARD, decode: fromPercent },
  { what: "jq @base64", script: `jq -rn '$ENV.AWKWARD | @base64'`, needs: ["jq"], value: AWKWARD, decode: fromBase64 },
  { what: "jq @html", script: `jq -rn '$ENV.AWKWARD | @html'`, needs: ["jq"], value: AWKWARD, decode: fromHtml },
  {
    what: "jq @sh",
    script: `jq -rn '$ENV.AWKWARD | @sh'`,
    needs: ["jq"],
    value: AWKWARD,
    decode: (output) => output.replaceAll(`'\\''`, "'"),
  },
  {
    what: "jq @csv",
    script: `jq -rn '[$ENV.AWKWARD] | @csv'`,
    needs: ["jq"],
    value: AWKWARD,
    decode: (output) => output.replaceAll('""', '"'),
  },
  { what: "jq --ascii-output", script: `jq -an '$ENV.AWKWARD'`, needs: ["jq"], value: AWKWARD, decode: fromJson },
  { what: "curl -v, in a header", script: `curl -sv -H "Authorization: Bearer $TOKEN" "$SERVER"`, needs: ["curl"], value: TOKEN },
  {
    what: "curl -v, in a query",
    script: `curl -sv -G --data-urlencode "q=$AWKWARD" "$SERVER"`,
    needs: ["curl"],
    value: AWKWARD,
    decode: fromPercent,
  },
  {
    what: "curl -v, as a password",
    script: `curl -sv -u "me:$TOKEN" "$SERVER"`,
    needs: ["curl"],
    value: TOKEN,
    decode: (output) => fromBase64(/: Basic (.*)/.exec(output)?.[1] ?? ""),
  },
  {
    what: "curl, what the server sends back",
    script: `curl -s -d "$AWKWARD" "$SERVER"`,
    needs: ["curl"],
    value: AWKWARD,
    decode: (output) => fromJson(output.trim()),
  },
  {
    what: "python3 repr",
    script: python(`import os; print(repr(os.environ["AWKWARD"]))`),
    needs: ["python3"],
    value: AWKWARD,
    decode: unescaped,
  },
  {
    what: "python3 ascii",
    script: python(`import os; print(ascii(os.environ["AWKWARD"]))`),
    needs: ["python3"],
    value: AWKWARD,
    decode: unescaped,
  },
  {
    what: "python3 repr of bytes",
    script: python(`import os; print(os.environb[b"AWKWARD"])`),
    needs: ["python3"],
    value: AWKWARD,
    decode: unescapedBytes,
  },
  {
    what: "python3 json",
    script: python(`import os, json; print(json.dumps(os.environ["AWKWARD"]))`),
    needs: ["python3"],
    value: AWKWARD,
    decode: fromJson,
  },
  {
    what: "python3 urllib quote",
    script: python(`import os, urllib.parse as u; print(u.quote(os.environ["AWKWARD"]))`),
    needs: ["python3"],
    value: AWKWARD,
    decode: fromPercent,
  },
  {
    what: "python3 urllib quote_plus",
    script: python(`import os, urllib.parse as u; print(u.quote_plus(os.environ["AWKWARD"]))`),
    needs: ["python3"],
    value: AWKWARD,
    decode: fromPercent,
  },
  {
    what: "python3 html.escape",
    script: python(`import os, html; print(html.escape(os.environ["AWKWARD"]))`),
    needs: ["python3"],
    value: AWKWARD,
    decode: fromHtml,
  },
  {
    what: "python3 list of bytes",
    script: python(`import os; print(list(os.environb[b"AWKWARD"]))`),
    needs: ["python3"],
    value: AWKWARD,
    decode: fromNumbers,
  },
  {
    what: "python3 hex with separators",
    script: python(`import os; print(os.environb[b"AWKWARD"].hex("-"))`),
    needs: ["python3"],
    value: AWKWARD,
    decode: fromHex,
  },
  { what: "python3 traceback", script: python(`import os; raise ValueError(os.environ["TOKEN"])`), needs: ["python3"], value: TOKEN },
  {
    what: "python3 shlex.quote",
    script: python(`import os, shlex; print(shlex.quote(os.environ["AWKWARD"]))`),
    needs: ["python3"],
    value: AWKWARD,
    decode: (output) => output.replaceAll(`'"'"'`, "'"),
  },
  { what: "node JSON.stringify", script: node(`console.log(JSON.stringify(process.env.AWKWARD))`), value: AWKWARD, decode: fromJson },
  {
    what: "node JSON in JSON",
    script: node(`console.log(JSON.stringify(JSON.stringify(process.env.AWKWARD)))`),
    value: AWKWARD,
    decode: fromJsonTwice,
  },
  { what: "node util.inspect", script: node(`console.log([process.env.AWKWARD])`), value: AWKWARD, decode: unescaped },
  {
    what: "node util.inspect of a buffer",
    script: node(`console.log(Buffer.from(process.env.TOKEN))`),
    value: TOKEN,
    decode: (output) => fromHex(output.replace("Buffer", "")),
  },
  {
    what: "node JSON of a buffer",
    script: node(`console.log(JSON.stringify(Buffer.from(process.env.AWKWARD), null, 2))`),
    value: AWKWARD,
    decode: fromNumbers,
  },
  {
    what: "node encodeURIComponent",
    script: node(`console.log(encodeURIComponent(process.env.AWKWARD))`),
    value: AWKWARD,
    decode: fromPercent,
  },
  {
    what: "node, two times encodeURIComponent",
    script: node(`console.log(encodeURIComponent(encodeURIComponent(process.env.AWKWARD)))`),
    value: AWKWARD,
    decode: (output) => fromPercent(fromPercent(output)),
  },
  {
    what: "node, a URL's query",
    script: node(`const u = new URL("http://h/"); u.searchParams.set("q", process.env.AWKWARD); console.log(u.href)`),
    value: AWKWARD,
    decode: fromPercent,
  },
  { what: "node, a stack trace", script: node(`throw new Error(process.env.TOKEN)`), value: TOKEN },
  {
    what: "perl, each byte as %XX",
    script: `perl -e 'print map { sprintf "%%%02X", ord } split //, $ENV{TOKEN}'`,
    needs: ["perl"],
    value: TOKEN,
    decode: fromPercent,
  },
  { what: "base64 with an indentation", script: `base64 -w20 <<<"$KEY" | pr -To8`, needs: ["pr"], value: KEY, decode: fromBase64 },
  { what: "with colours within", script: `echo "$TOKEN" | grep --color=always 9xQ7`, value: TOKEN, decode: uncoloured },
  {
    what: "curl --trace, with its column of text",
    script: `curl -s --trace - -H "Authorization: Bearer $TOKEN" "$SERVER"`,
    needs: ["curl"],
    value: TOKEN,
    decode: (output) => output.replace(/\n[0-9a-f]{4}: (?:[0-9a-f]{2} ){1,16} */g, ""),
  },
  { what: "a key with its line breaks undone (printf %b)", script: `printf %b "\${KEY//$'\\n'/\\\\n}"`, value: KEY, shows: KEY_LINES[1] },
  {
    what: "python3 json, an indented list of bytes",
    script: python(`import os, json; print(json.dumps(list(os.environb[b"AWKWARD"]), indent=40))`),
    needs: ["python3"],
    value: AWKWARD,
    decode: fromNumbers,
  },
  {
    what: "python3 quoted-printable",
    script: python(`import os, quopri; print(quopri.encodestring(os.environb[b"AWKWARD"], quotetabs=True).decode())`),
    needs: ["python3"],
    value: AWKWARD,
    decode: (output) =>
      Buffer.from(
        output.replace(/=([0-9A-F]{2})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 16))),
        "latin1",
      ).toString(),
  },
  { what: "one character a line", script: `fold -w1 <<<"$TOKEN"`, value: TOKEN, decode: (output) => output.replaceAll("\n", "") },
  { what: "od, octal words", script: `printf %s "$TOKEN" | od -An`, value: TOKEN, decode: fromOctalWords },
  {
    what: "UTF-16",
    script: `printf %s "$TOKEN" | iconv -t UTF-16LE`,
    needs: ["iconv"],
    value: TOKEN,
    decode: (output) => output.replaceAll("\0", ""),
  },
];

/** What gets through, and is said to in docs/scrubbing.md. */
export const LIMITS: readonly Attempt[] = [
  { what: "rev", script: `rev <<<"$TOKEN"`, needs: ["rev"], value: TOKEN, decode: (output) => Array.from(output).toReversed().join("") },
  {
    what: "split over standard output and standard error",
    script: `printf %s "\${TOKEN:0:16}"; printf %s "\${TOKEN:16}" >&2`,
    value: TOKEN,
  },
  { what: "all but the last character", script: `echo "\${TOKEN%?}"`, value: TOKEN, shows: TOKEN.slice(0, -1) },
  { what: "a short line of a key", script: `grep '^Qk8' <<<"$KEY"`, value: KEY, shows: KEY_LINES[3] },
  {
    what: "JSON in a URL",
    script: node(`console.log(encodeURIComponent(JSON.stringify(process.env.AWKWARD)))`),
    value: AWKWARD,
    decode: (output) => fromJson(decodeURIComponent(output)),
  },
  { what: "the first half only", script: `echo "\${TOKEN:0:16}"`, value: TOKEN, shows: TOKEN.slice(0, 16) },
  { what: "other letters (tr)", script: `tr a-zA-Z n-za-mN-ZA-M <<<"$TOKEN"`, value: TOKEN, decode: rot13 },
  { what: "in upper case", script: `echo "\${TOKEN^^}"`, value: TOKEN, shows: TOKEN.toUpperCase() },
  {
    what: "base64 of base64",
    script: `printf %s "$TOKEN" | base64 -w0 | base64 -w0`,
    value: TOKEN,
    decode: (output) => fromBase64(fromBase64(output)),
  },
  { what: "base32", script: `printf %s "$TOKEN" | base32 -w0`, needs: ["base32"], value: TOKEN, decode: fromBase32 },
  {
    what: "hex of base64",
    script: `printf %s "$TOKEN" | base64 -w0 | xxd -p -c0`,
    needs: ["xxd"],
    value: TOKEN,
    decode: (output) => fromBase64(fromHex(output)),
  },
  { what: "binary digits (xxd -b)", script: `printf %s "$TOKEN" | xxd -b -c1`, needs: ["xxd"], value: TOKEN, decode: fromBinary },
  { what: "compressed", script: `gzip -c <<<"$TOKEN" | xxd -p -c0`, needs: ["xxd", "gzip"], value: TOKEN, decode: fromGzip },
];

function fromJsonObjectInJson(output: string): string {
  return (JSON.parse(fromJson(output)) as { a: string }).a;
}

function fromHtml(output: string): string {
  const names: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", "#39": "'", "#x27": "'" };
  return output.replace(/&(amp|lt|gt|quot|apos|#39|#x27);/g, (_, name: string) => names[name] as string);
}

function unescaped(output: string): string {
  return output.replace(/\\(?:x([0-9a-f]{2})|(.))/g, (_, hex: string | undefined, char: string) =>
    hex === undefined ? char : String.fromCharCode(parseInt(hex, 16)),
  );
}

function unescapedBytes(output: string): string {
  return Buffer.from(unescaped(output), "latin1").toString();
}

function rot13(output: string): string {
  return output.replace(/[a-z]/gi, (char) => String.fromCharCode((((char.charCodeAt(0) & 31) + 12) % 26) + 1 + (char.charCodeAt(0) & 96)));
}

function fromBase32(output: string): string {
  const bits = Array.from(output.replace(/=|\s/g, ""), (char) =>
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(char).toString(2).padStart(5, "0"),
  ).join("");
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2))).toString();
}

function fromBinary(output: string): string {
  return Buffer.from((output.match(/\b[01]{8}\b(?!:)/g) ?? []).map((byte) => parseInt(byte, 2))).toString();
}

function fromOctalWords(output: string): string {
  return Buffer.from((output.match(/\d{6}/g) ?? []).flatMap((word) => [parseInt(word, 8) & 0xff, parseInt(word, 8) >> 8])).toString();
}

function fromGzip(output: string): string {
  return gunzipSync(Buffer.from(output, "hex")).toString();
}

function uncoloured(output: string): string {
  // oxlint-disable-next-line no-control-regex -- the escape sequences of a terminal
  return output.replace(/\u001b\[[0-9;]*[mK]/g, "");
}
