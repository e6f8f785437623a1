import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { timingSafeEqual } from "node:crypto";
import { VaultError } from "@agent-vault/vault/read-only";
import { choicesIn, notStoredText, sendPage, storedText, valueForm, type ValueChoices, type ValueRequest } from "./value-form.js";

/** How a page ended: the value is stored, it could not be, or nobody typed one. */
export type PageEnd = "stored" | "closed" | { readonly error: unknown };

/** How long a person has to type a value. */
const OPEN_MS = 10 * 60_000;
const LOOPBACK = "127.0.0.1";
/** In a form each byte of a value takes up to three. */
const FORM_GROWTH = 3;
const FORM_REST_BYTES = 4096;

/**
 * A page on this machine where a person types a value, once. Its address cannot be guessed, other machines cannot reach it, and other pages
 * of the browser can neither read it nor post to it.
 */
export class ValuePage {
  readonly #request: ValueRequest;
  readonly #path: string;
  readonly #server: Server;
  readonly #timer: NodeJS.Timeout;
  readonly ended: Promise<PageEnd>;
  #end!: (end: PageEnd) => void;
  #isUsed = false;

  /** Use {@link ValuePages.open}. */
  constructor(request: ValueRequest, path: string) {
    this.#request = request;
    this.#path = path;
    this.#server = createServer({ maxHeaderSize: 16_384, requestTimeout: 30_000 }, (incoming, response) => {
      this.#serve(incoming, response).catch(() => response.destroy());
    });
    this.#timer = setTimeout(() => this.close(), OPEN_MS);
    this.ended = new Promise((resolve) => {
      this.#end = (end) => {
        clearTimeout(this.#timer);
        this.#server.close();
        resolve(end);
      };
    });
  }

  async listen(): Promise<void> {
    try {
      await new Promise<void>((done, failed) => {
        this.#server.once("error", failed).listen(0, LOOPBACK, done);
      });
    } catch (cause) {
      this.close();
      throw new VaultError("FAILED", "A page could not be opened on this machine.", {
        remedy: "Run agent-vault set on a terminal instead.",
        cause,
      });
    }
  }

  get url(): string {
    return `${this.#origin}${this.#path}`;
  }

  close(): void {
    if (!this.#isUsed) this.#end("closed");
  }

  get #origin(): string {
    return `http://${LOOPBACK}:${(this.#server.address() as AddressInfo | null)?.port}`;
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, headers, url } = incoming;
    // A name that resolves to this machine is how a web page elsewhere would come in.
    if (headers.host !== this.#origin.slice("http://".length)) return sendPage(response, 421, "Wrong host.");
    if (!isEqual(url ?? "", this.#path)) return sendPage(response, 404, "Not found.");
    if (this.#isUsed) return sendPage(response, 410, "This page has already been used.");
    if (method === "GET" || method === "HEAD") return sendPage(response, 200, valueForm(this.#request), method);
    if (method !== "POST") return sendPage(response, 405, "Open this page and send its form.");
    const site = headers["sec-fetch-site"];
    if (headers.origin !== this.#origin || (site !== undefined && site !== "same-origin"))
      return sendPage(response, 403, "Only the form of this page can send a value.");
    if (!/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(headers["content-type"] ?? ""))
      return sendPage(response, 415, "Only the form of this page can send a value.");
    const body = await bodyOf(incoming, this.#request.maxBytes * FORM_GROWTH + FORM_REST_BYTES);
    if (body === undefined) return sendPage(response, 413, "The value is too large for this vault.");
    const fields = new URLSearchParams(body);
    const value = valueIn(fields);
    if (value.length === 0) return sendPage(response, 400, valueForm(this.#request, "Type a value first."));
    if (this.#isUsed) return sendPage(response, 410, "This page has already been used.");
    this.#isUsed = true;
    await this.#store(response, value, fields.get("grant") === "yes", choicesIn(fields, this.#request));
  }

  async #store(response: ServerResponse, value: Uint8Array, grant: boolean, choices: ValueChoices): Promise<void> {
    try {
      await this.#request.store(value, grant, choices);
      sendPage(response, 200, storedText(this.#request.secret));
      this.#end("stored");
    } catch (error) {
      const why = error instanceof VaultError ? `${error.message} ${error.remedy ?? ""}` : "Something unexpected went wrong.";
      sendPage(response, 500, notStoredText(why));
      this.#end({ error });
    }
  }
}

/** As `set` takes it from a prompt: browsers send each line break as CR LF, and a paste ends in one now and then. */
function valueIn(fields: URLSearchParams): Uint8Array {
  const text = (fields.get("value") ?? "").replaceAll("\r\n", "\n").replace(/\n$/, "");
  return new TextEncoder().encode(text);
}

/** @returns `undefined` for one that is too long */
async function bodyOf(incoming: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of incoming) {
    length += (chunk as Buffer).length;
    if (length <= maxBytes) chunks.push(chunk as Buffer);
    else chunks.length = 0;
    if (length > 2 * maxBytes) break;
  }
  return length > maxBytes ? undefined : Buffer.concat(chunks).toString();
}

function isEqual(given: string, wanted: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(wanted)];
  return one.length === other.length && timingSafeEqual(one, other);
}
