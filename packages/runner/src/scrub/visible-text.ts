/** Bytes that do not show as text, such as a colour, before the visible byte at `at`. */
export interface HiddenBytes {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** Output as it shows on a terminal: its text, and what else there is between its bytes. */
export interface VisibleText {
  readonly text: Uint8Array;
  readonly hidden: readonly HiddenBytes[];
}

const [BELL, BACKSPACE, TAB, NEWLINE, SHIFT_OUT, SHIFT_IN, RETURN, ESCAPE, SPACE, DELETE] = [
  0x07, 0x08, 0x09, 0x0a, 0x0e, 0x0f, 0x0d, 0x1b, 0x20, 0x7f,
];
const [OPEN_BRACKET, CLOSE_BRACKET, BACKSLASH] = [0x5b, 0x5d, 0x5c];
const TAB_WIDTH = 8;

/** Whether there is anything in the output that a terminal does not show as text. */
export function mayHide(bytes: Uint8Array): boolean {
  // A typed array's own search takes ten times as long.
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return buffer.includes(ESCAPE) || buffer.includes(BACKSPACE) || buffer.includes(SHIFT_IN);
}

/**
 * Tells what of an output shows as text (ECMA-48, and what xterm and the console of Linux do). Hidden are escape sequences, a letter that is struck twice to
 * make it bold, and, where the terminal's width is known, what a program writes to go on in the next line where the last one is full. The text of
 * a title or a link (OSC) counts as shown. The state lasts from one piece of the output to the next.
 */
export class TerminalReader {
  readonly #columns: (() => number) | undefined;
  #state: "text" | "escape" | "charset" | "sequence" | "backspace" | "full" = "text";
  #parameters = "";
  #column = 0;
  #last = -1;
  /** A character that is hidden or not as the next one says. */
  #pending = -1;
  #text = new Uint8Array();
  #length = 0;
  #hidden: { at: number; bytes: number[] }[] = [];

  /** @param columns the terminal's width, if it is known */
  constructor(columns?: () => number) {
    this.#columns = columns;
  }

  /** Whether all that was read has been told. */
  get isAtRest(): boolean {
    return this.#pending < 0;
  }

  read(bytes: Uint8Array): VisibleText {
    this.#text = new Uint8Array(bytes.length + 1);
    this.#length = 0;
    this.#hidden = [];
    for (let at = 0; at < bytes.length; at++) this.#byte(bytes[at] as number);
    return this.#taken();
  }

  /** What is not decided yet counts as hidden. */
  end(): VisibleText {
    this.#text = new Uint8Array(1);
    this.#length = 0;
    this.#hidden = [];
    if (this.#pending >= 0) this.#hide(this.#pending);
    this.#pending = -1;
    if (this.#state === "backspace" || this.#state === "full") this.#state = "text";
    return this.#taken();
  }

  #taken(): VisibleText {
    const hidden = this.#hidden.map(({ at, bytes }) => ({ at, bytes: Uint8Array.from(bytes) }));
    return { text: this.#text.subarray(0, this.#length), hidden };
  }

  #byte(byte: number): void {
    switch (this.#state) {
      case "text":
        return this.#inText(byte);
      case "escape":
        this.#hide(byte);
        this.#state = byte === OPEN_BRACKET ? "sequence" : byte >= SPACE && byte < 0x30 ? "charset" : "text";
        this.#parameters = "";
        return;
      case "charset":
        this.#hide(byte);
        if (byte >= 0x30) this.#state = "text";
        return;
      case "sequence":
        return this.#inSequence(byte);
      case "backspace":
        return this.#afterBackspace(byte);
      case "full":
        return this.#afterSpaceAtEnd(byte);
    }
  }

  #inText(byte: number): void {
    if (byte === ESCAPE) this.#state = "escape";
    if (byte === ESCAPE || byte === SHIFT_IN || byte === SHIFT_OUT) return this.#hide(byte);
    if (byte === BACKSPACE && this.#last > SPACE) {
      this.#state = "backspace";
      this.#pending = byte;
      return;
    }
    if (this.#columns !== undefined && this.#column >= this.#columns()) {
      if (byte === RETURN || byte === NEWLINE) {
        // A line break is hidden with its carriage return.
        if (byte === NEWLINE) this.#column = 0;
        return this.#hide(byte);
      }
      if (byte === SPACE) {
        this.#state = "full";
        this.#pending = byte;
        return;
      }
    }
    this.#show(byte);
  }

  #inSequence(byte: number): void {
    this.#hide(byte);
    if (byte >= SPACE && byte < 0x40) {
      this.#parameters += String.fromCharCode(byte);
      return;
    }
    if (byte < SPACE && byte !== ESCAPE) return;
    this.#state = byte === ESCAPE ? "escape" : "text";
    if (this.#columns !== undefined) this.#moveCursor(String.fromCharCode(byte));
  }

  #moveCursor(final: string): void {
    const numbers = this.#parameters.split(";").map((text) => Number.parseInt(text, 10) || 1);
    const last = numbers.at(-1) as number;
    if (final === "G") this.#column = last - 1;
    else if (final === "H" || final === "f") this.#column = (numbers[1] ?? 1) - 1;
    else if (final === "C") this.#column += last;
    else if (final === "D") this.#column = Math.max(0, this.#column - last);
  }

  /** The same letter twice is one, in bold. */
  #afterBackspace(byte: number): void {
    const before = this.#pending;
    this.#pending = -1;
    this.#state = "text";
    if (byte === this.#last) {
      this.#hide(before);
      return this.#hide(byte);
    }
    this.#show(before);
    this.#inText(byte);
  }

  /** Readline goes to the next line by a space and a carriage return. */
  #afterSpaceAtEnd(byte: number): void {
    const before = this.#pending;
    this.#pending = -1;
    this.#state = "text";
    if (byte === RETURN) {
      this.#hide(before);
      this.#column = 0;
      return this.#hide(byte);
    }
    this.#show(before);
    this.#inText(byte);
  }

  #show(byte: number): void {
    this.#text[this.#length++] = byte;
    this.#last = byte;
    if (this.#columns !== undefined) this.#advance(byte, this.#columns());
  }

  #advance(byte: number, columns: number): void {
    if (byte === NEWLINE || byte === RETURN) this.#column = 0;
    else if (byte === BACKSPACE) this.#column = Math.max(0, this.#column - 1);
    else if (byte === TAB) this.#column = Math.min(columns, this.#column - (this.#column % TAB_WIDTH) + TAB_WIDTH);
    else if (byte >= SPACE && byte !== DELETE && (byte < 0x80 || byte >= 0xc0)) {
      const width = isWide(byte) ? 2 : 1;
      this.#column = this.#column + width > columns ? width : this.#column + width;
    }
  }

  #hide(byte: number): void {
    const last = this.#hidden.at(-1);
    if (last?.at === this.#length) last.bytes.push(byte);
    else this.#hidden.push({ at: this.#length, bytes: [byte] });
    // A title or a link is text up to the end of its sequence.
    if (byte === BELL || byte === CLOSE_BRACKET || byte === BACKSLASH) this.#last = -1;
  }
}

/** Whether a character is two columns wide, as its first byte in UTF-8 tells it: those of East Asia, and emoji. */
function isWide(byte: number): boolean {
  return (byte >= 0xe3 && byte <= 0xed) || byte === 0xf0;
}
