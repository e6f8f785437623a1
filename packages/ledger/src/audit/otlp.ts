import { createRequire } from "node:module";
import { SeverityNumber } from "@opentelemetry/api-logs";
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider, type LogRecordExporter } from "@opentelemetry/sdk-logs";
import { VaultError } from "@agent-vault/vault/read-only";
import { flatten } from "./export.js";
import type { AuditEntry } from "./log.js";

/** Where entries are sent. */
export interface Collector {
  /** The URL for logs, such as `https://collector.example/v1/logs`. */
  readonly url: string;
  /** Of the vault whose log it is, and of this machine. */
  readonly vault: string;
  readonly machine: string;
}

/** How many entries go with one request, and how long one may take, in milliseconds. */
const BATCH = 500;
const PATIENCE = 10_000;

/**
 * Sends entries to an OpenTelemetry collector, as log records over HTTP (OTLP/JSON). Headers, such as a key, come from
 * `OTEL_EXPORTER_OTLP_HEADERS` and `OTEL_EXPORTER_OTLP_LOGS_HEADERS`, as for any exporter.
 * @returns how many were taken
 * @throws VaultError `FAILED` where the collector cannot be reached or refuses; entries of earlier requests have arrived then
 */
export async function sendEntries(entries: readonly AuditEntry[], { url, vault, machine }: Collector): Promise<number> {
  const failures: unknown[] = [];
  const exporter = new OTLPLogExporter({ url, timeoutMillis: PATIENCE });
  // The provider passes over failures, and an audit log that does not arrive is one.
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
    processors: [new BatchLogRecordProcessor({ exporter: watched, maxExportBatchSize: BATCH, exportTimeoutMillis: 2 * PATIENCE })],
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
      body: `${[entry.who ?? "somebody", entry.action, ...(entry.secrets ?? [])].join(" ")}: ${String(flat.outcome)}`,
      attributes: Object.fromEntries(
        Object.entries(flat).flatMap(([name, value]) => (value === undefined ? [] : [[`agent_vault.${name}`, value as string]])),
      ),
    });
    sent += 1;
    if (sent % BATCH === 0) await provider.forceFlush();
    if (failures.length > 0) break;
  }
  await provider.forceFlush();
  await provider.shutdown();
  if (failures.length === 0) return sent;
  throw new VaultError("FAILED", `The collector at ${new URL(url).host} did not take the audit log: ${wordsOf(failures[0])}.`, {
    remedy:
      "Check the address and, in OTEL_EXPORTER_OTLP_HEADERS, what it asks for; then send again from the row that is missing (--after).",
    cause: failures[0],
  });
}

function wordsOf(failure: unknown): string {
  return failure instanceof Error ? failure.message || failure.name : String(failure);
}

function version(): string {
  return (createRequire(import.meta.url)("../package.json") as { version: string }).version;
}
