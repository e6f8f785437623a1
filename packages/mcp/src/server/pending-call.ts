import type { InputRequest, InputResponseView } from "@modelcontextprotocol/server";

/** What comes next: the result, or a question to a person. */
export type Step<T> = { readonly result: T } | { readonly key: string; readonly question: InputRequest };

/** How a call asks a person, through the client. */
export interface Asking {
  /** Aborted when the client no longer waits for the call. */
  readonly signal: AbortSignal;
  /**
   * @returns what came back; `missing` where nothing did
   */
  readonly ask: (question: InputRequest, timeoutMs: number) => Promise<InputResponseView>;
}

const NO_ANSWER: InputResponseView = { kind: "missing" };

/**
 * A call that may stop to have a person asked, and goes on with the answer. In MCP since 2026-07-28 a server does not ask: its answer to a call says
 * what it needs, and the client calls again. The call waits here meanwhile, so that what was asked about is what is done.
 */
export class PendingCall<T> {
  readonly #abort = new AbortController();
  #step = new Deferred<Step<T>>();
  #questions = 0;
  #pending: { readonly key: string; readonly answer: (view: InputResponseView) => void } | undefined;
  /** Tells the client how far the work is; absent between a question and its answer. */
  progress: ((message: string) => void) | undefined;
  /** Resolves when the work is done, even if no client waits for it. */
  readonly done: Promise<void>;

  /** @param work does not throw */
  constructor(work: (asking: Asking) => Promise<T>) {
    const { signal } = this.#abort;
    const asking: Asking = { signal, ask: (question, timeoutMs) => this.#ask(question, timeoutMs) };
    this.done = Promise.resolve(asking)
      .then(work)
      .then((result) => this.#step.resolve({ result }));
  }

  /** The question that the work waits for, else what comes next: another question, or the result. */
  next(): Promise<Step<T>> {
    return this.#step.promise;
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

  #ask(question: InputRequest, timeoutMs: number): Promise<InputResponseView> {
    if (this.#abort.signal.aborted) return Promise.resolve(NO_ANSWER);
    const key = `question-${++this.#questions}`;
    const asked = this.#step;
    return new Promise((done) => {
      const answer = (view: InputResponseView) => {
        clearTimeout(timer);
        this.#pending = undefined;
        this.#step = new Deferred();
        done(view);
      };
      const timer = setTimeout(() => answer(NO_ANSWER), timeoutMs);
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
