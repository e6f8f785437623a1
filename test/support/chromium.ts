import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { Readable, Writable } from "node:stream";
import { onTestFinished, vi } from "vitest";
import { pathOf } from "./programs.js";

/** A Chromium of this machine: of `AGENT_VAULT_TEST_CHROMIUM`, else of the path; `undefined` where there is none. */
export const CHROMIUM = process.env["AGENT_VAULT_TEST_CHROMIUM"] || pathOf("Chromium");

/** A page in a browser of its own, driven by the DevTools protocol over a pipe. Both are gone when the test ends. */
export class BrowserPage {
  readonly #commands: Writable;
  readonly #answers = new Map<number, (answer: { result?: Record<string, unknown>; error?: { message: string } }) => void>();
  #session: string | undefined;
  #count = 0;
  /** The addresses that were asked for. */
  readonly requested: string[] = [];

  private constructor(browser: ChildProcess) {
    this.#commands = browser.stdio[3] as Writable;
    let text = "";
    (browser.stdio[4] as Readable).setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      for (let end = text.indexOf("\0"); end >= 0; end = text.indexOf("\0")) {
        this.#take(JSON.parse(text.slice(0, end)) as Message);
        text = text.slice(end + 1);
      }
    });
  }

  static async open(url: string): Promise<BrowserPage> {
    const profile = mkdtempSync(join(tmpdir(), "agent-vault-browser-"));
    const flags = [
      "--headless=new",
      "--no-sandbox",
      "--no-zygote",
      "--single-process",
      "--disable-gpu",
      "--no-first-run",
      "--disable-extensions",
    ];
    const browser = spawn(CHROMIUM!, [...flags, "--remote-debugging-pipe", `--user-data-dir=${profile}`, "about:blank"], {
      stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
    });
    onTestFinished(async () => {
      const gone = new Promise((done) => browser.once("exit", done));
      browser.kill("SIGKILL");
      await gone;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    });
    const page = new BrowserPage(browser);
    const { targetId } = await page.#send("Target.createTarget", { url: "about:blank" });
    page.#session = String((await page.#send("Target.attachToTarget", { targetId, flatten: true }))["sessionId"]);
    await page.#send("Network.enable");
    await page.#send("Page.navigate", { url });
    await page.shows("Store it");
    return page;
  }

  /** What an expression in the page comes to. */
  async value(expression: string): Promise<unknown> {
    const { result } = await this.#send("Runtime.evaluate", { expression, returnByValue: true });
    return (result as { value?: unknown }).value;
  }

  /** Waits until the page shows a text. */
  async shows(text: string): Promise<void> {
    await vi.waitUntil(async () => String(await this.value("document.body?.innerText ?? ''")).includes(text), { timeout: 20_000 });
  }

  /** Types into what has the focus. */
  async type(text: string): Promise<void> {
    await this.#send("Input.insertText", { text });
  }

  async click(selector: string): Promise<void> {
    await this.value(`document.querySelector(${JSON.stringify(selector)}).click()`);
  }

  #send(method: string, params: object = {}): Promise<Record<string, unknown>> {
    const id = ++this.#count;
    return new Promise((done, failed) => {
      this.#answers.set(id, ({ result, error }) => (error ? failed(new Error(`${method}: ${error.message}`)) : done(result ?? {})));
      this.#commands.write(`${JSON.stringify({ id, method, params, ...(this.#session && { sessionId: this.#session }) })}\0`);
    });
  }

  #take(message: Message): void {
    if (message.id !== undefined) this.#answers.get(message.id)?.(message);
    else if (message.method === "Network.requestWillBeSent") this.requested.push(message.params!.request!.url);
  }
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly request?: { readonly url: string } };
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}
