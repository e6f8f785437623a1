import type { InputRequest, InputResponseView } from "@modelcontextprotocol/server";

/** Where work stands: it is done, or a person has to be asked something first. */
export type Turn<T> = { readonly result: T } | { readonly key: string; readonly question: InputRequest };

/** How work asks a person, through whoever is served. */
export interface Asking {
  /** Ends the work, since nobody wants it any more. */
  readonly signal: AbortSignal;
  /**
   * @param timeout milliseconds
   * @returns what came back; `missing` where nothing did
   */
  readonly ask: (question: InputRequest, timeout: number) => Promise<InputResponseView>;
}

const NO_ANSWER: InputResponseView = { kind: "missing" };

/**
 * Work that may stop to have a person asked, and goes on with the answer. In MCP since 2026-07-28 a server does not ask: its answer to a call says
 * what it needs, and the client calls again. The work waits here meanwhile, so that what was asked about is what is done.
 */
export class PendingCall<T> {
  readonly #abort = new AbortController();
  #turn = new Deferred<Turn<T>>();
  #questions = 0;
  #pending: { readonly key: string; readonly answer: (view: InputResponseView) => void } | undefined;
  /** Tells whoever waits now how far the work is; absent between a question and its answer. */
  progress: ((message: string) => void) | undefined;
  /** Resolves when the work is done, whoever hears of it. */
  readonly done: Promise<void>;

  /** @param work does not throw */
  constructor(work: (asking: Asking) => Promise<T>) {
    const { signal } = this.#abort;
    const asking: Asking = { signal, ask: (question, timeout) => this.#ask(question, timeout) };
    this.done = Promise.resolve(asking)
      .then(work)
      .then((result) => this.#turn.resolve({ result }));
  }

  /** The question that the work waits for, else what comes next: another question, or the result. */
  next(): Promise<Turn<T>> {
    return this.#turn.promise;
  }

  /** Hands over what came back, if it is about the question that is asked now. @param viewOf looks an answer up by its question's key */
  answer(viewOf: (key: string) => InputResponseView): void {
    if (!this.#pending) return;
    const view = viewOf(this.#pending.key);
    if (view.kind !== "missing") this.#pending.answer(view);
  }

  /** Ends the work: questions get no answer, and what it runs is ended. */
  abort(): void {
    this.#abort.abort();
    this.#pending?.answer(NO_ANSWER);
  }

  #ask(question: InputRequest, timeout: number): Promise<InputResponseView> {
    if (this.#abort.signal.aborted) return Promise.resolve(NO_ANSWER);
    const key = `question-${++this.#questions}`;
    const asked = this.#turn;
    return new Promise((done) => {
      const answer = (view: InputResponseView) => {
        clearTimeout(timer);
        this.#pending = undefined;
        this.#turn = new Deferred();
        done(view);
      };
      const timer = setTimeout(() => answer(NO_ANSWER), timeout);
      this.#pending = { key, answer };
      asked.resolve({ key, question });
    });
  }
}

class Deferred<T> {
  readonly promise: Promise<T>;
  resolve!: (value: T) => void;

  constructor() {
    this.promise = new Promise((resolve) => {
      this.resolve = resolve;
    });
  }
}
