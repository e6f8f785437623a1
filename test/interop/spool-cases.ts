import { createHash } from "node:crypto";
import fc from "fast-check";
import { auditLine, otlpBody } from "#vault/audit/audit-line.js";
import { tidyEvent, type Outcome } from "#vault/record/audit-event.js";
import { formatHeader } from "#vault/spool/segment-header.js";
import { headerDigest, sealLine } from "#vault/spool/segment-lines.js";
import { formatSpoolRow } from "#vault/spool/spool-row.js";
import { maybe, nulls, of } from "./read-cases.js";

/** Uses with all kinds of text. */
export const events = fc.record({
  action: fc.constant("get"),
  outcome: of<Outcome>("done", "denied", "failed"),
  who: maybe(fc.string({ unit: "binary" })),
  identity: maybe(fc.string()),
  harness: maybe(fc.string()),
  secrets: maybe(fc.array(fc.string({ unit: "grapheme" }), { maxLength: 3 })),
  folder: maybe(of("/srv/\ud800x", "/a\u2028b", '\u0007\u001f\u007f"\\', `/${"ä𝄞".repeat(2000)}`, "/srv")),
  repository: maybe(fc.string({ unit: "grapheme" })),
  branch: maybe(fc.string()),
  reason: maybe(fc.string({ unit: "binary-ascii" })),
});

/** What is sent to Python of an event, and the bytes that Node writes of it. @param key an identity */
export function spoolCase(event: EventCase, index: number, identity: string) {
  const time = new Date(Date.UTC(2026, 10, 29, 1, 2, 3, index * 7)).toISOString();
  const key = createHash("sha256").update(String(index)).digest();
  const [vault, segment] = ["898c73ea-389b-4e08-bed1-cf99ae1bfee5", "ab".repeat(16)];
  const header = {
    vault,
    segment,
    key: new Uint8Array(key),
    machine: "m0123456789abcdef",
    writer: { pid: 7, start: "99", host: "abcdef" },
    started: time,
    identity: "age1",
  };
  const row = { time, event: tidyEvent(event) };
  const text = formatSpoolRow(row);
  const named = { ...row, id: "id:1", vault };
  const { writer, ...flat } = header;
  return {
    sent: {
      event: nulls(event),
      time,
      header: { ...flat, ...writer, key: key.toString("base64") },
      key: identity,
      first_line: "first line",
      line: index + 2,
    },
    written: {
      header,
      bytes: {
        row: text,
        header: formatHeader(header, "proof"),
        line: sealLine(header.key, headerDigest("first line"), index + 2, text),
        audit_line: auditLine(named),
        otlp: otlpBody(named),
      },
    },
  };
}

export type EventCase = typeof events extends fc.Arbitrary<infer Case> ? Case : never;
