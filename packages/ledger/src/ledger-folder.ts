export { requirePrivateFolder as requireLedgerFolder } from "@agent-vault/vault/read-only";
