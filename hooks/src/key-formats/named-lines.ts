// Keys in lines of text that say what they are.
import { armoredBody } from "./armor.js";
import {
  characters,
  charactersOfOne,
  isPlaceholder,
  MAX_HEADER_LENGTH,
  type KeyFormat,
  type KeyKind,
  type KeyReader,
} from "./key-format.js";

const PUTTY_BEGINNING = "PuTTY-User-Key-File-";

/** PuTTY's `.ppk`: headers, the public key, and `Private-Lines: 8` with so many lines of base64. */
const puttyKey: KeyReader = (window, at, width) => {
  const text = charactersOfOne(window, at, width, PUTTY_BEGINNING);
  const lines = /^PuTTY-User-Key-File-\d+:[^]*?Private-Lines: ?\d+((?:\\[nr]|\s)[^]*)/.exec(text)?.[1];
  const end = lines?.search(/Private-(?:MAC|Hash)/) ?? -1;
  const body = lines === undefined ? undefined : armoredBody(end < 0 ? lines : lines.slice(0, end));
  return body === undefined ? undefined : { kind: "putty-private-key", text: body };
};

/** One line that begins with what the bytes of each such key begin with. */
const base64Key =
  (kind: KeyKind, length: number): KeyReader =>
  (window, at, width) => {
    const text = /^[A-Za-z0-9+/]*={0,2}/.exec(characters(window, at, length + 1, width))![0];
    return text.length < length || isPlaceholder(text) ? undefined : { kind, text };
  };

const WIREGUARD = /^(?:PrivateKey|PresharedKey)["']?[ \t]*[=:][ \t]*["']?([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)/;

/** `PrivateKey = …` in a configuration of WireGuard. */
const wireguardKey: KeyReader = (window, at, width) => {
  const text = WIREGUARD.exec(characters(window, at, MAX_HEADER_LENGTH, width))?.[1];
  return text === undefined || isPlaceholder(text) ? undefined : { kind: "wireguard-private-key", text };
};

const TOKEN = /^avt1_[A-Za-z0-9_-]{80,}/;
/** In so many characters a token has its id, which those attenuated from it share. */
const MAX_TOKEN_LENGTH = 160;

const agentVaultToken: KeyReader = (window, at, width) => {
  const text = TOKEN.exec(characters(window, at, MAX_TOKEN_LENGTH, width))?.[0];
  return text === undefined || isPlaceholder(text.slice(5)) ? undefined : { kind: "agent-vault-token", text };
};

/** A secret key of minisign has 158 bytes, one of signify 104. */
export const LINE_FORMATS: readonly KeyFormat[] = [
  { beginning: PUTTY_BEGINNING, read: puttyKey },
  { beginning: "RWRTY0Iy", read: base64Key("minisign-secret-key", 212) },
  { beginning: "RWQAAEIy", read: base64Key("minisign-secret-key", 212) },
  { beginning: "RWRCSw", read: base64Key("signify-secret-key", 139) },
  { beginning: "PrivateKey", read: wireguardKey },
  { beginning: "PresharedKey", read: wireguardKey },
  { beginning: "avt1_", read: agentVaultToken },
];
