import { createHash } from "node:crypto";
import type { ServerResponse } from "node:http";
import { displaySafeName, displaySafeText } from "@agent-vault/runner";

/** What a person is asked for on a page. */
export interface ValueRequest {
  /** As secrets are shown. */
  readonly secret: string;
  /** Who asks, as the page names it. */
  readonly who: string;
  readonly reason: string;
  readonly folder: string;
  /** The agents that will read it. */
  readonly readers: readonly string[];
  /** The agent that asks, where it would not read it without being granted it. */
  readonly grantable: string | undefined;
  readonly maxBytes: number;
  store(value: Uint8Array, grant: boolean): Promise<void>;
}

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

/** Sends a page. @param content HTML, or a sentence */
export function sendPage(response: ServerResponse, status: number, content: string, method = "GET"): void {
  const body = content.startsWith("<") ? content : `<p>${escapeHtml(content)}</p>`;
  const page = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>agent-vault</title><style>${STYLE}</style></head><body><h1>agent-vault</h1>${body}</body></html>`;
  response.writeHead(status, { ...HEADERS, "Content-Length": Buffer.byteLength(page) });
  response.end(method === "HEAD" ? undefined : page);
}

/** The form for a value. What an agent has written is in a quotation, and is shown without what hides or acts. @param problem with what was sent before */
export function valueForm({ secret, who, reason, folder, readers, grantable }: ValueRequest, problem = ""): string {
  const line = (label: string, text: string) => `<dt>${label}</dt><dd>${text}</dd>`;
  const grant =
    grantable === undefined
      ? ""
      : `<p><label><input type="checkbox" name="grant" value="yes" checked> Let ${escapeHtml(displaySafeName(grantable))} use it</label></p>`;
  return [
    problem && `<p><strong>${escapeHtml(problem)}</strong></p>`,
    `<p>${escapeHtml(displaySafeName(who))} asks you for a secret. It goes into the vault, and is not shown to the agent.</p>`,
    "<dl>",
    line("Secret", `<code>${escapeHtml(displaySafeName(secret))}</code>`),
    line("Vault", escapeHtml(displaySafeName(folder))),
    line("Read by", escapeHtml(readers.length === 0 ? "the owners" : `the owners, ${readers.map(displaySafeName).join(", ")}`)),
    line("Reason", `<blockquote>${escapeHtml(displaySafeText(reason))}</blockquote>`),
    "</dl>",
    '<form method="post" autocomplete="off"><p><label>Value<br>',
    '<textarea name="value" required autofocus autocomplete="off" autocapitalize="off" spellcheck="false"></textarea></label></p>',
    `${grant}<p><button>Store it</button></p></form>`,
  ].join("");
}

/** What a page says once a value is stored, or was not. */
export function storedText(secret: string): string {
  return `<p>${escapeHtml(displaySafeName(secret))} is stored. You can close this page.</p>`;
}

/** What a page says where the value could not be stored. */
export function notStoredText(why: string): string {
  return `<p>It was not stored. ${escapeHtml(displaySafeText(why))}</p>`;
}

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
