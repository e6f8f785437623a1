import { VaultError, type Context } from "@agent-vault/vault/read-only";
import { ValuePage } from "./value-page.js";
import type { ValueRequest } from "./value-form.js";

const MAX_PAGES = 4;
const PATH_BYTES = 32;

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
    if (this.#pages.size >= MAX_PAGES) {
      throw new VaultError("BUSY", `The person is already being asked for ${MAX_PAGES} secrets.`, {
        remedy: "Wait until one of them is answered.",
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
