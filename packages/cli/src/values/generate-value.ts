import type { Context } from "@agent-vault/vault";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** A random value of `length` characters, 6 bits each, that needs no escaping in a URL, a shell or a file. */
export function generateValue(context: Context, length: number): string {
  return Array.from(context.random(length), (byte) => ALPHABET[byte & 63]).join("");
}
