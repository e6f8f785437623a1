import { decodeUtf8, formatSecretPath, suggestion, VaultError, type SecretPath } from "@agent-vault/vault/read-only";

/** Makes the error for what is wrong with a reference, in a clause. */
export type Refusal = (problem: string) => VaultError;

/** Writes a value as another language spells it. */
export type Filter = (value: Uint8Array, secret: SecretPath) => Uint8Array;

const MAX_INDENT = 64;

/** The filters that take no number, by their names. */
const FILTERS: Readonly<Record<string, Filter>> = {
  /** A JSON string with its quotes. */
  json: (value, secret) => bytesOf(JSON.stringify(textOf(value, secret, "json"))),
  /** A YAML scalar in double quotes. */
  yaml: (value, secret) => bytesOf(inYaml(textOf(value, secret, "yaml"))),
  /** One word of a POSIX shell. */
  shell: (value, secret) => {
    if (value.includes(0)) throw unfit(secret, "holds a NUL byte, which no shell can", "shell");
    return Buffer.concat([bytesOf("'"), replaced(value, "'", String.raw`'\''`), bytesOf("'")]);
  },
  /** Standard base64 on one line. */
  base64: (value) => bytesOf(Buffer.from(value).toString("base64")),
};
const NAMES = [...Object.keys(FILTERS), "indent"];

/**
 * Reads the filters after a reference, such as ` | json` and ` | base64 | indent 4`.
 * @param text what is between the name of the secret and the closing braces
 * @throws what `refusal` makes, for a filter that does not exist
 */
export function parseFilters(text: string, refusal: Refusal): Filter[] {
  if (text.trim() === "") return [];
  const [before, ...filters] = text.split("|");
  if (before!.trim() !== "") throw refusal("something other than a filter follows the name of the secret");
  return filters.map((filter) => {
    const [name = "", ...args] = filter.trim().split(/[ \t]+/);
    const plain = Object.hasOwn(FILTERS, name) ? FILTERS[name]! : undefined;
    if (plain && args.length === 0) return plain;
    const [width] = args;
    if (name === "indent" && args.length === 1 && /^\d{1,2}$/.test(width!) && Number(width) <= MAX_INDENT) return indentBy(Number(width));
    if (plain) throw refusal(`the filter ${name} takes no argument`);
    if (name === "indent") throw refusal(`the filter indent takes one number, up to ${MAX_INDENT}: indent 4`);
    throw refusal(`there is no filter ${JSON.stringify(name)}. ${suggestion(name, NAMES)}The filters are ${NAMES.join(", ")}`);
  });
}

/** A value after all its filters, one after the other. @throws VaultError `INVALID_VALUE` for one that a filter cannot write */
export function filtered(value: Uint8Array, filters: readonly Filter[] = [], secret: SecretPath): Uint8Array {
  return filters.reduce((written, filter) => filter(written, secret), value);
}

/** Every line but the first, which stands where the reference stands, and but empty ones. */
function indentBy(width: number): Filter {
  const blanks = " ".repeat(width);
  return (value) => bytesOf(latin1(value).replace(/\n(?=[^\r\n])/g, `\n${blanks}`), "latin1");
}

function replaced(value: Uint8Array, searched: string, by: string): Uint8Array {
  return bytesOf(
    latin1(value).replaceAll(searched, () => by),
    "latin1",
  );
}

/** JSON is YAML but for characters that YAML does not print, or takes for line breaks. */
function inYaml(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function textOf(value: Uint8Array, secret: SecretPath, filter: string): string {
  const text = decodeUtf8(value);
  if (text === undefined) throw unfit(secret, "is not UTF-8 text", filter);
  return text;
}

function unfit(secret: SecretPath, problem: string, filter: string): VaultError {
  return new VaultError("INVALID_VALUE", `${formatSecretPath(secret)} ${problem}, so the filter ${filter} cannot write it.`, {
    remedy: "Use the filter base64, or leave the filter out.",
  });
}

/** A character a byte, so that every byte stays what it is. */
const latin1 = (value: Uint8Array) => Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("latin1");
const bytesOf = (text: string, encoding: BufferEncoding = "utf8"): Uint8Array => Buffer.from(text, encoding);
