import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { SeverityNumber } from "@opentelemetry/api-logs";
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider, type LogRecordExporter } from "@opentelemetry/sdk-logs";
import { VaultError } from "@agent-vault/vault/read-only";
import { flatten } from "./export.js";
import type { AuditEntry } from "./entry.js";

/** Where entries of the audit log are sent. */
export interface Collector {
  /** The URL for logs, such as `https://collector.example/v1/logs`. */
  readonly url: string;
  /** Of the vault whose log it is, and of this machine. */
  readonly vault: string;
  readonly machine: string;
}

/** How many entries go with one request. */
const BATCH_SIZE = 500;
const REQUEST_TIMEOUT_MS = 10_000;

/**
 * Sends entries to an OpenTelemetry collector, as log records over HTTP (OTLP/JSON). Headers, such as a key, come from
 * `OTEL_EXPORTER_OTLP_HEADERS` and `OTEL_EXPORTER_OTLP_LOGS_HEADERS`, as for any exporter.
 * @returns how many were taken
 * @throws VaultError `FAILED` where the collector cannot be reached or refuses; entries of earlier requests have arrived then
 */
export async function sendEntries(entries: readonly AuditEntry[], { url, vault, machine }: Collector): Promise<number> {
  const failures: unknown[] = [];
  const exporter = new OTLPLogExporter({ url, timeoutMillis: REQUEST_TIMEOUT_MS });
  // The provider ignores failures.
  const watched: LogRecordExporter = {
    export: (records, done) =>
      exporter.export(records, (result) => {
        if (result.error) failures.push(result.error);
        done(result);
      }),
    forceFlush: () => exporter.forceFlush(),
    shutdown: () => exporter.shutdown(),
  };
  const provider = new LoggerProvider({
    resource: resourceFromAttributes({
      "service.name": "agent-vault",
      "service.version": version(),
      "service.instance.id": machine,
      "agent_vault.vault": vault,
    }),
    processors: [
      new BatchLogRecordProcessor({ exporter: watched, maxExportBatchSize: BATCH_SIZE, exportTimeoutMillis: 2 * REQUEST_TIMEOUT_MS }),
    ],
  });
  const logger = provider.getLogger("agent-vault.audit");
  let sent = 0;
  for (const entry of entries) {
    const { time, ...flat } = flatten(entry);
    const isRefusal = flat.outcome === "denied" || flat.outcome === "failed";
    logger.emit({
      timestamp: new Date(time as string),
      severityNumber: isRefusal ? SeverityNumber.WARN : SeverityNumber.INFO,
      severityText: isRefusal ? "WARN" : "INFO",
      eventName: "agent_vault.audit",
      body: `${[entry.who ?? "unknown", entry.action, ...(entry.secrets ?? [])].join(" ")}: ${String(flat.outcome)}`,
      attributes: Object.fromEntries(
        Object.entries(flat).flatMap(([name, value]) => (value === undefined ? [] : [[`agent_vault.${name}`, value as string]])),
      ),
    });
    sent += 1;
    if (sent % BATCH_SIZE === 0) await provider.forceFlush();
    if (failures.length > 0) break;
  }
  await provider.forceFlush();
  await provider.shutdown();
  if (failures.length === 0) return sent;
  throw new VaultError("FAILED", `The collector at ${new URL(url).host} did not take the audit log: ${messageOf(failures[0])}.`, {
    remedy: "Check the URL and the headers in OTEL_EXPORTER_OTLP_HEADERS, then send the missing rows with --after.",
    cause: failures[0],
  });
}

function messageOf(failure: unknown): string {
  return failure instanceof Error ? failure.message || failure.name : String(failure);
}

/** From the nearest package.json: this package's, or that of the program that it is bundled into. */
function version(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) folder = dirname(folder);
  return (JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string }).version;
}
