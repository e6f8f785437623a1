// Appends rows to the audit log, or does all but that: ledger-writer.mjs 1|0 ROWS
import process from "node:process";

const [open, rows] = process.argv.slice(2);
const { processContext } = await import("../../packages/vault/dist/read-only.js");
if (open === "1") {
  const { Ledger } = await import("../../packages/ledger/dist/index.js");
  const none = async () => [];
  const ledger = await Ledger.open({ context: processContext(), vault: "00000000-bench-ledger", identities: none, recipients: none });
  for (let row = 0; row < Number(rows); row++)
    await ledger.audit.record({ action: "get", outcome: "done", who: "bot", secrets: ["stripe/api-key"] });
}
