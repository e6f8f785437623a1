const ESCAPE = "\u001B";
const PASTE_BEGINS = "\u001B[200~";
const PASTE_ENDS = "\u001B[201~";
/** What follows an escape (ECMA-48): such a sequence as an arrow key sends, or a key that was pressed with Alt. */
const SEQUENCE = /^(?:\[[ -?]*[@-~]|O.|[^[O])/u;
const PARTIAL_SEQUENCE = /^(?:\[[ -?]*|O)?$/;
/** All control characters but the tab and the newline. */
const CONTROL = /(?![\t\n])\p{Cc}/u;

/**
 * An answer that is typed or pasted without showing. Control keys edit it. A paste is taken with all its lines, whether the terminal
 * brackets it or sends it as if it were typed.
 */
export class HiddenInput {
  #text = "";
  /** The beginning of a sequence whose rest has not arrived yet. */
  #partial = "";
  #pasting = false;
  #damaged = false;

  /** The text, without one final newline that a paste brought along. */
  get text(): string {
    return this.#text.replace(/\n$/, "");
  }

  /** Whether control characters were pasted, so that the text may differ from what was copied. */
  get damaged(): boolean {
    return this.#damaged;
  }

  /**
   * Takes what the terminal sent at once.
   * @returns `enter` where a line ends with it: if more comes without a pause, that was a paste, and {@link goOn} is to be called
   */
  take(chunk: string): "more" | "enter" | "end" | "interrupt" {
    let rest = this.#partial === ESCAPE && !/^[[O]/.test(chunk) ? chunk : this.#partial + chunk;
    this.#partial = "";
    while (rest !== "") {
      if (this.#pasting) rest = this.#paste(rest);
      else if (rest.startsWith(PASTE_BEGINS)) {
        this.#pasting = true;
        rest = rest.slice(PASTE_BEGINS.length);
      } else if (rest.startsWith(ESCAPE)) {
        const sequence = rest.slice(1);
        if (PARTIAL_SEQUENCE.test(sequence)) {
          this.#partial = rest;
          return "more";
        }
        rest = sequence.slice(SEQUENCE.exec(sequence)?.[0].length ?? 0);
      } else {
        const key = /^(?:\r\n|.)/su.exec(rest)![0];
        rest = rest.slice(key.length);
        if (key === "\u0003") return "interrupt";
        if (key === "\u0004") return "end";
        if (rest === "" && /[\r\n]/.test(key)) return "enter";
        this.#press(key);
      }
    }
    return "more";
  }

  /** Makes the last Enter part of the text. */
  goOn(): void {
    this.#text += "\n";
  }

  /** @returns what comes after the paste */
  #paste(chunk: string): string {
    const end = chunk.indexOf(PASTE_ENDS);
    const length = end < 0 ? chunk.length - overlap(chunk, PASTE_ENDS) : end;
    const pasted = chunk.slice(0, length).replace(/\r\n?/g, "\n");
    this.#text += pasted;
    this.#damaged ||= CONTROL.test(pasted);
    this.#pasting = end < 0;
    if (end < 0) this.#partial = chunk.slice(length);
    return end < 0 ? "" : chunk.slice(end + PASTE_ENDS.length);
  }

  #press(key: string): void {
    if (key === "\u007F" || key === "\b") this.#text = this.#text.replace(/.$/su, "");
    else if (key === "\u0015") this.#text = "";
    else if (/[\r\n]/.test(key)) this.#text += "\n";
    else if (!CONTROL.test(key)) this.#text += key;
  }
}

/** How many characters at the end of `text` may be the beginning of `mark`. */
function overlap(text: string, mark: string): number {
  let length = mark.length - 1;
  while (!text.endsWith(mark.slice(0, length))) length--;
  return length;
}
