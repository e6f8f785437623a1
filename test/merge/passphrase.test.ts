import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { encryptWithPassphrase } from "#vault/age/encrypt.js";
import { withWriteLock } from "#vault/disk/write-lock.js";
import { VaultState } from "#vault/files/vault-state.js";
import { changeFolder } from "#vault/git/git-folders.js";
import { set, sync } from "#vault/index.js";
import { LedgerRecorder } from "#ledger/recorder/ledger-recorder.js";
import { makeTeam, store } from "./team.js";

/** So that scrypt takes a moment and not a second. */
const WORK_FACTOR = 2;

it("asks for the passphrases of the key and of the audit log before it holds the vault's lock, in set and in sync", async () => {
  const { box, ana, ben } = await makeTeam();
  const key = join(ben.home, "owner.key");
  writeFileSync(key, await encryptWithPassphrase(readFileSync(key), "key", WORK_FACTOR));
  writeFileSync(join(ben.home, "ledger.json"), JSON.stringify({ key: "passphrase" }));
  mkdirSync(join(ben.home, "ledger"), { mode: 0o700 });
  const ledgerKey = join(ben.home, "ledger", `${new VaultState(ben.vault).config.id}.key`);
  writeFileSync(ledgerKey, await encryptWithPassphrase(randomBytes(32), "log", WORK_FACTOR), { mode: 0o600 });
  // BUSY at once where another holds the lock.
  const lockIn = (work: () => Promise<unknown>) => withWriteLock(box.context(), changeFolder(join(ben.folder, ".git")), work, 0);
  await expect(lockIn(() => lockIn(async () => {}))).rejects.toMatchObject({ code: "BUSY" });
  const asked: string[] = [];
  const contextOf = (action: string) => {
    const context = ben.context({
      recorder: new LedgerRecorder(action),
      passphrase: async (file) => {
        await lockIn(async () => {});
        asked.push(`${action} ${file === key ? "key" : "log"}`);
        return file === key ? "key" : "log";
      },
    });
    return context;
  };
  await set(contextOf("set"), { ...ben.request(), path: "g/b", value: new TextEncoder().encode("1") });
  await store(ana, "g/a", "2");
  await ana.sync();
  const { merged } = await sync(contextOf("sync"), ben.vault);
  expect(merged?.parents).toHaveLength(2);
  expect(asked).toEqual(["set key", "set log", "sync key", "sync log"]);
  await store(ana, "g/a", "3");
  await ana.sync();
  // Nothing is merged: nobody is asked.
  await sync(contextOf("sync again"), ben.vault);
  expect(asked).toHaveLength(4);
});
