import { createHash } from "node:crypto";
import type { ServerResponse } from "node:http";
import { displaySafeName, displaySafeText } from "@agent-vault/runner";
import { ACCESS_LEVELS } from "@agent-vault/vault";

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
  /** The groups that the person may list it in, the one that its name says first, each with the agents that read it. */
  readonly groups?: readonly { readonly name: string; readonly agents: readonly string[] }[];
  /** What the agent says that it is; it counts for nothing until the person has said the same. */
  readonly proposal?: Proposal;
  store(value: Uint8Array, grant: boolean, choices: ValueChoices): Promise<void>;
}

/** What an agent proposes of a secret that it asks for. */
export interface Proposal {
  readonly environment?: string | undefined;
  readonly access?: string | undefined;
  readonly description?: string | undefined;
}

/** What the person has chosen beside the value: policies and approvals go by it. */
export interface ValueChoices {
  readonly environment: string;
  readonly access: (typeof ACCESS_LEVELS)[number];
  /** `undefined` for the one that the name says. */
  readonly group: string | undefined;
  readonly description: string | undefined;
}

/** The strictest, which holds unless the person chooses another: a person is asked before each session. */
const STRICTEST = { environment: "production", access: "admin" } as const;
const MAX_ENVIRONMENT_LENGTH = 64;
const MAX_DESCRIPTION_LENGTH = 500;

/** The choices in a form that was sent. */
export function choicesIn(fields: URLSearchParams, { groups = [] }: ValueRequest): ValueChoices {
  const text = (name: string, most: number) => fields.get(name)?.trim().slice(0, most) || undefined;
  const group = fields.get("group");
  return {
    environment: text("environment", MAX_ENVIRONMENT_LENGTH) ?? STRICTEST.environment,
    access: ACCESS_LEVELS.find((level) => level === fields.get("access")) ?? STRICTEST.access,
    group: groups.find(({ name }) => name === group)?.name,
    description: text("description", MAX_DESCRIPTION_LENGTH),
  };
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
export function valueForm(request: ValueRequest, problem = ""): string {
  const { secret, who, reason, folder, readers, grantable } = request;
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
    ...choiceFields(request),
    `${grant}<p><button>Store it</button></p></form>`,
  ].join("");
}

/** What decides who uses the secret and who is asked: the person sets it, and sees beside it what the agent proposes. */
function choiceFields({ groups = [], proposal = {} }: ValueRequest): string[] {
  const safe = (text: string) => escapeHtml(displaySafeName(text));
  const proposed = (text: string | undefined) => (text === undefined ? "" : ` <small>The agent proposes: <q>${safe(text)}</q></small>`);
  const option = (value: string, label: string, isChosen: boolean) =>
    `<option value="${escapeHtml(value)}"${isChosen ? " selected" : ""}>${label}</option>`;
  const levels = ACCESS_LEVELS.map((level) => option(level, level, level === STRICTEST.access));
  const lists = groups.map(({ name, agents }, index) =>
    option(name, `${safe(name)}: ${agents.length === 0 ? "the owners" : `the owners, ${agents.map(safe).join(", ")}`}`, index === 0),
  );
  return [
    "<p>You decide what it is, since that decides who may use it and whether you are asked first.</p>",
    `<p><label>Environment <input name="environment" value="${STRICTEST.environment}" maxlength="${MAX_ENVIRONMENT_LENGTH}" autocomplete="off"></label>${proposed(proposal.environment)}</p>`,
    `<p><label>Access <select name="access">${levels.join("")}</select></label>${proposed(proposal.access)}</p>`,
    lists.length === 0 ? "" : `<p><label>Group, and who reads it <select name="group">${lists.join("")}</select></label></p>`,
    `<p><label>Description <input name="description" value="" maxlength="${MAX_DESCRIPTION_LENGTH}" autocomplete="off"></label>${proposed(proposal.description)}</p>`,
  ];
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
