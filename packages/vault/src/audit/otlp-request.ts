import type { IncomingMessage, request as httpRequest } from "node:http";
import type { Context } from "../context.js";
import { VaultError } from "../errors.js";

/** How long a collector may take in all, with all attempts. */
const TIMEOUT_MS = 5000;
const FIRST_PAUSE_MS = 100;
const MAX_ANSWER_BYTES = 2 ** 16;
/** The OTLP specification's own list of answers after which a request is sent again. */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/**
 * Sends a body to the OpenTelemetry collector that the environment names (`OTEL_EXPORTER_OTLP_LOGS_ENDPOINT`, else
 * `OTEL_EXPORTER_OTLP_ENDPOINT` with `/v1/logs`), and resolves once it has acknowledged it: with a 2xx that rejects nothing.
 * @throws VaultError `LEDGER_UNAVAILABLE` where it does not within five seconds, or is not https or loopback
 */
export async function sendToCollector({ env }: Pick<Context, "env">, body: string): Promise<void> {
  const url = collectorUrl(env);
  const headers = collectorHeaders(env);
  const deadline = performance.now() + TIMEOUT_MS;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs *= 2) {
    const leftMs = deadline - performance.now();
    const { status, text } = await post(url, headers, body, leftMs);
    if (status >= 200 && status < 300) return requireTaken(url, text);
    if (!RETRYABLE.has(status) || performance.now() + pauseMs >= deadline) throw notTaken(url, `answered with status ${status}`);
    await new Promise((resume) => void setTimeout(resume, pauseMs));
  }
}

function collectorUrl(env: Context["env"]): URL {
  const own = env["OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"];
  const shared = env["OTEL_EXPORTER_OTLP_ENDPOINT"];
  const text = own || (shared && `${shared.replace(/\/+$/, "")}/v1/logs`);
  const remedy = "Set OTEL_EXPORTER_OTLP_ENDPOINT to the https URL of a collector, or http on localhost.";
  if (!text) throw new VaultError("LEDGER_UNAVAILABLE", "AGENT_VAULT_AUDIT is otlp, and no collector is set.", { remedy });
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "https:" || (url?.protocol === "http:" && LOOPBACK.test(url.hostname))) return url;
  throw new VaultError("LEDGER_UNAVAILABLE", "The collector's URL is neither https nor on this machine.", { remedy });
}

/** `name=value` pairs with commas between them, percent-encoded (OpenTelemetry, Specifying headers via environment variables). */
function collectorHeaders(env: Context["env"]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const variable of ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_LOGS_HEADERS"]) {
    for (const pair of (env[variable] ?? "").split(",")) {
      const [, name, value] = /^\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*=\s*(.*?)\s*$/.exec(pair) ?? [];
      if (name === undefined) continue;
      const plain = decode(value!);
      // What is not printable ASCII cannot be a header's value.
      if (plain !== undefined && /^[\x20-\x7e]*$/.test(plain)) headers[name.toLowerCase()] = plain;
    }
  }
  return headers;
}

function decode(value: string): string | undefined {
  try {
    return decodeURIComponent(value);
  } catch {
    return undefined;
  }
}

/** Redirects are not followed: a collector that moved is an error. */
async function post(
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
  timeoutMs: number,
): Promise<{ readonly status: number; readonly text: string }> {
  const { request } = await import(url.protocol === "https:" ? "node:https" : "node:http");
  const signal = AbortSignal.timeout(Math.max(1, Math.ceil(timeoutMs)));
  try {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const length = Buffer.byteLength(body);
      const given = { ...headers, "content-type": "application/json", "content-length": length };
      const sent = (request as typeof httpRequest)(url, { method: "POST", headers: given, signal, agent: false }, resolve);
      sent.on("error", reject);
      sent.end(body);
    });
    let text = "";
    for await (const chunk of answer) {
      text += (chunk as Buffer).toString("latin1");
      if (text.length > MAX_ANSWER_BYTES) throw notTaken(url, "gave an answer that is too long");
    }
    return { status: answer.statusCode ?? 0, text };
  } catch (cause) {
    if (cause instanceof VaultError) throw cause;
    throw notTaken(url, signal.aborted ? `did not answer within ${TIMEOUT_MS / 1000} seconds` : "could not be reached", cause);
  }
}

/** An answer that is no object of JSON is not a collector's. */
function requireTaken(url: URL, text: string): void {
  if (text.trim() === "") return;
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    // Refused below.
  }
  if (typeof answer !== "object" || answer === null || Array.isArray(answer))
    throw notTaken(url, "gave an answer that is not a collector's");
  const { partialSuccess } = answer as { readonly partialSuccess?: unknown };
  if (partialSuccess === undefined || partialSuccess === null) return;
  const rejected = (partialSuccess as { readonly rejectedLogRecords?: unknown }).rejectedLogRecords ?? 0;
  if (rejected !== 0 && rejected !== "0") throw notTaken(url, "rejected the row");
}

function notTaken(url: URL, why: string, cause?: unknown): VaultError {
  return new VaultError("LEDGER_UNAVAILABLE", `The collector at ${url.host} ${why}, so the use is not on record.`, {
    remedy: "Check OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS and the collector, then try again.",
    cause,
  });
}
