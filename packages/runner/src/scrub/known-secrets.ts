import { VaultError } from "@agent-vault/vault/read-only";
import { CompiledSecrets, MIN_SECRET_LENGTH } from "./compiled-secrets.js";
import { ScrubStream, type OnSilence } from "./scrub-stream.js";
import { Scrubber } from "./scrubber.js";
import { withoutLineEnd } from "./shapes.js";

/** A secret that must not show in an output. */
export interface SecretToScrub {
  /** As secrets are shown, `group/name`: the marker names it. */
  readonly name: string;
  /** A text is taken as UTF-8. */
  readonly value: Uint8Array | string;
}

/**
 * Secrets that must not show in an output, prepared to be found: as they are, each line of them, and in the encodings that programs use.
 * Making it takes a few milliseconds for a few secrets; each output then gets a scrubber of its own.
 */
export class KnownSecrets {
  /** The names of values under eight bytes (line breaks at the end not counted), in which no encoding is searched for. */
  readonly tooShort: readonly string[];
  readonly #compiled: CompiledSecrets;

  /**
   * @param allowShort takes values under eight bytes as well. They are found as they are only, wherever these bytes are in the output, also
   * where they mean something else; and the output is searched byte by byte, which takes several times as long.
   * @throws VaultError `SECRET_TOO_SHORT`
   */
  constructor(secrets: Iterable<SecretToScrub>, { allowShort = false }: { allowShort?: boolean } = {}) {
    const all = [...secrets].map(({ name, value }) => ({ name, value: Buffer.from(value as Uint8Array) }));
    const short = all.filter(({ value }) => value.length > 0 && withoutLineEnd(value).length < MIN_SECRET_LENGTH);
    this.tooShort = short.map(({ name }) => name);
    if (short.length > 0 && !allowShort) throw tooShort(this.tooShort);
    this.#compiled = new CompiledSecrets(all, short.length > 0);
  }

  /** A scrubber for one output. @param columns the width of the terminal that it is for */
  scrubber(columns?: () => number): Scrubber {
    return new Scrubber(this.#compiled, columns);
  }

  /**
   * A stream that scrubs one output.
   * @param options `onSilence` is what is handed on where the output pauses though it may be the start of a secret: whole lines unless given
   */
  stream({ onSilence = "lines", columns }: { onSilence?: OnSilence; columns?: (() => number) | undefined } = {}): ScrubStream {
    return new ScrubStream(this.scrubber(columns), onSilence);
  }
}

function tooShort(names: readonly string[]): VaultError {
  const subject = names.length === 1 ? `The value of ${names[0]} is` : `The values of ${names.join(", ")} are`;
  return new VaultError("SECRET_TOO_SHORT", `${subject} shorter than ${MIN_SECRET_LENGTH} bytes, too short to be recognized in output.`, {
    remedy: "Use a longer value, or pass --allow-short, which replaces them unencoded only.",
  });
}
