import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createHash, timingSafeEqual } from "node:crypto";
import { shownName, shownText } from "@agent-vault/runner";
import { VaultError, type Context } from "@agent-vault/vault/read-only";

/** Who asks a person for which secret. */
export interface ValueRequest {
  /** As secrets are shown. */
  readonly secret: string;
  /** Who asks, in words. */
  readonly who: string;
  readonly reason: string;
  readonly folder: string;
  /** Who is going to read it besides the owners. */
  readonly readers: readonly string[];
  /** The agent that asks, where it would not read it without being granted it. */
  readonly grantable: string | undefined;
  /** Bytes. */
  readonly largest: number;
  store(value: Uint8Array, grant: boolean): Promise<void>;
}

/** How a page ended: the value is stored, it could not be, or nobody typed one. */
export type PageEnd = "stored" | "closed" | { readonly error: unknown };

/** How long a person has to type a value, in milliseconds. */
const OPEN_FOR = 10 * 60_000;
const MOST_PAGES = 4;
const LOOPBACK = "127.0.0.1";
const PATH_BYTES = 32;
/** In a form each byte of a value takes up to three. */
const FORM_GROWTH = 3;
const FORM_REST = 4096;

const STYLE =
  "body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}" +
  "dt{color:#555;float:left;clear:left;width:7rem}dd{margin-left:7.5rem;overflow-wrap:anywhere}" +
  "textarea{width:100%;height:8rem;box-sizing:border-box;font:14px monospace;-webkit-text-security:disc}" +
  "button{font:inherit;padding:.4rem 1.2rem}blockquote{margin:0;padding-left:.7rem;border-left:3px solid #999}";
const STYLE_HASH = createHash("sha256").update(STYLE).digest("base64");

/** Nothing comes from elsewhere, nothing runs, nothing is kept, nothing frames it, and no address is told to others. */
const HEADERS = {
  "Content-Type": "text/html; charset=utf-8",
  "Content-Security-Policy": `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
  "Cache-Control": "no-store",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  // With no-referrer a browser would not say where a form comes from, and that is looked at.
  "Referrer-Policy": "same-origin",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  Connection: "close",
};

/** The pages on which people are asked for values now, one a secret. */
export class ValuePages {
  readonly #context: Pick<Context, "random">;
  readonly #pages = new Map<string, ValuePage>();

  constructor(context: Pick<Context, "random">) {
    this.#context = context;
  }

  find(secret: string): ValuePage | undefined {
    return this.#pages.get(secret);
  }

  /** @throws VaultError `BUSY` */
  async open(request: ValueRequest): Promise<ValuePage> {
    if (this.#pages.size >= MOST_PAGES) {
      throw new VaultError("BUSY", `A person is being asked for ${MOST_PAGES} secrets already.`, {
        remedy: "Wait until they have typed one of them.",
      });
    }
    const path = `/${Buffer.from(this.#context.random(PATH_BYTES)).toString("base64url")}`;
    const page = new ValuePage(request, path);
    this.#pages.set(request.secret, page);
    void page.ended.then(() => this.#pages.delete(request.secret));
    await page.listen();
    return page;
  }

  close(): void {
    for (const page of this.#pages.values()) page.close();
  }
}

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
    this.#timer = setTimeout(() => this.close(), OPEN_FOR);
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
      throw new VaultError("FAILED", "No page could be opened on this machine.", { remedy: "Use agent-vault set on a terminal.", cause });
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
    if (headers.host !== this.#origin.slice("http://".length)) return answer(response, 421, "This is not the host that was asked for.");
    if (!isSame(url ?? "", this.#path)) return answer(response, 404, "There is nothing here.");
    if (this.#isUsed) return answer(response, 410, "This page was for one value, and has had it.");
    if (method === "GET" || method === "HEAD") return answer(response, 200, form(this.#request), method);
    if (method !== "POST") return answer(response, 405, "This page is opened, and its form is sent.");
    const site = headers["sec-fetch-site"];
    if (headers.origin !== this.#origin || (site !== undefined && site !== "same-origin"))
      return answer(response, 403, "This did not come from the page's own form.");
    if (!/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(headers["content-type"] ?? ""))
      return answer(response, 415, "This is not what the page's form sends.");
    const body = await bodyOf(incoming, this.#request.largest * FORM_GROWTH + FORM_REST);
    if (body === undefined) return answer(response, 413, "The value is larger than this vault takes.");
    const fields = new URLSearchParams(body);
    const value = valueIn(fields);
    if (value.length === 0) return answer(response, 400, form(this.#request, "Nothing was typed."));
    if (this.#isUsed) return answer(response, 410, "This page was for one value, and has had it.");
    this.#isUsed = true;
    await this.#store(response, value, fields.get("grant") === "yes");
  }

  async #store(response: ServerResponse, value: Uint8Array, grant: boolean): Promise<void> {
    try {
      await this.#request.store(value, grant);
      answer(response, 200, `<p>${escaped(shownName(this.#request.secret))} is stored. You can close this page.</p>`);
      this.#end("stored");
    } catch (error) {
      const why = error instanceof VaultError ? `${error.message} ${error.remedy ?? ""}` : "Something unexpected went wrong.";
      answer(response, 500, `<p>It was not stored. ${escaped(shownText(why))}</p>`);
      this.#end({ error });
    }
  }
}

function answer(response: ServerResponse, status: number, content: string, method = "GET"): void {
  const body = content.startsWith("<") ? content : `<p>${escaped(content)}</p>`;
  const page = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>agent-vault</title><style>${STYLE}</style></head><body><h1>agent-vault</h1>${body}</body></html>`;
  response.writeHead(status, { ...HEADERS, "Content-Length": Buffer.byteLength(page) });
  response.end(method === "HEAD" ? undefined : page);
}

/** What comes from whoever asks stands in a quotation, and is shown without what hides or acts. */
function form({ secret, who, reason, folder, readers, grantable }: ValueRequest, problem = ""): string {
  const line = (label: string, text: string) => `<dt>${label}</dt><dd>${text}</dd>`;
  const grant =
    grantable === undefined
      ? ""
      : `<p><label><input type="checkbox" name="grant" value="yes" checked> Let ${escaped(shownName(grantable))} use it</label></p>`;
  return [
    problem && `<p><strong>${escaped(problem)}</strong></p>`,
    `<p>${escaped(shownName(who))} asks you for a secret. It goes into the vault, and is not shown to the agent.</p>`,
    "<dl>",
    line("Secret", `<code>${escaped(shownName(secret))}</code>`),
    line("Vault", escaped(shownName(folder))),
    line("Read by", escaped(readers.length === 0 ? "the owners" : `the owners, ${readers.map(shownName).join(", ")}`)),
    line("Reason", `<blockquote>${escaped(shownText(reason))}</blockquote>`),
    "</dl>",
    '<form method="post" autocomplete="off"><p><label>Value<br>',
    '<textarea name="value" required autofocus autocomplete="off" autocapitalize="off" spellcheck="false"></textarea></label></p>',
    `${grant}<p><button>Store it</button></p></form>`,
  ].join("");
}

/** As `set` takes it from a prompt: browsers send each line break as CR LF, and a paste ends in one now and then. */
function valueIn(fields: URLSearchParams): Uint8Array {
  const text = (fields.get("value") ?? "").replaceAll("\r\n", "\n").replace(/\n$/, "");
  return new TextEncoder().encode(text);
}

/** @returns `undefined` for one that is too long */
async function bodyOf(incoming: IncomingMessage, most: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of incoming) {
    length += (chunk as Buffer).length;
    if (length <= most) chunks.push(chunk as Buffer);
    else chunks.length = 0;
    if (length > 2 * most) break;
  }
  return length > most ? undefined : Buffer.concat(chunks).toString();
}

function isSame(given: string, wanted: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(wanted)];
  return one.length === other.length && timingSafeEqual(one, other);
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
