import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { generateIdentity, parseRecipient, type Context, type Identity } from "#vault/index.js";
import { KeychainKey, type KeychainEntry } from "#ledger/key/external-keys.js";
import { LedgerHome, VAULT } from "../../support/ledger.js";

const recipientOf = async (identity: Identity) => parseRecipient(await identity.recipient());

function settings(home: LedgerHome, content: unknown): void {
  writeFileSync(join(home.home, "ledger.json"), typeof content === "string" ? content : JSON.stringify(content));
}

/** Records with one process's ledger and reads with another's. */
async function worksWith(home: LedgerHome, context?: Context): Promise<void> {
  const options = { ...(context && { context }) };
  await (await home.open(options)).audit.record({ action: "get", outcome: "done" });
  expect(await (await home.open(options)).audit.list()).toHaveLength(1);
}

describe("the key of a ledger", () => {
  it("is an age file for this machine's identities, and no file of the ledger is open to others", async () => {
    const home = await LedgerHome.make();
    await worksWith(home);
    expect(await home.key()).toHaveLength(32);
    expect(statSync(home.folder).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(home.folder)) expect([name, statSync(join(home.folder, name)).mode & 0o077]).toEqual([name, 0]);
  });

  it("is opened by an agent that was admitted, and by nobody else", async () => {
    const home = await LedgerHome.make();
    const [agent, stranger] = [await generateIdentity("x25519"), await generateIdentity("x25519")];
    const ledger = await home.open();
    await ledger.audit.record({ action: "get", outcome: "done" });
    const openAs = (identity: Identity) => home.open({ identities: async () => [identity] });
    await expect(openAs(agent)).rejects.toMatchObject({ code: "LEDGER_KEY" });
    await ledger.admit([await recipientOf(agent)]);
    expect(await (await openAs(agent)).audit.list()).toHaveLength(1);
    expect(await (await home.open()).audit.list()).toHaveLength(1);
    await expect(openAs(stranger)).rejects.toMatchObject({ code: "LEDGER_KEY" });
  });

  it("is the same for processes that make it at once", async () => {
    const home = await LedgerHome.make();
    const ledgers = await Promise.all(Array.from({ length: 8 }, () => home.open()));
    await Promise.all(ledgers.map((ledger) => ledger.audit.record({ action: "get", outcome: "done" })));
    expect(await ledgers[0]!.audit.list()).toHaveLength(8);
    expect(readdirSync(home.folder).filter((name) => name.includes(".key"))).toEqual([`${VAULT}.key`]);
  });

  it("is opened by a passphrase", { timeout: 60_000 }, async () => {
    const home = await LedgerHome.make();
    settings(home, { key: "passphrase" });
    await worksWith(home, home.context({ passphrase: async () => "correct horse" }));
    await expect(home.open({ context: home.context({ passphrase: async () => "wrong" }) })).rejects.toMatchObject({
      code: "WRONG_PASSPHRASE",
    });
    await expect(home.open()).rejects.toMatchObject({ code: "PASSPHRASE_REQUIRED" });
  });

  it("is what a command prints, which runs without a shell", async () => {
    const home = await LedgerHome.make();
    const print = (text: string) => [process.execPath, "-e", "console.log(process.argv[1])", text];
    settings(home, { key: "command", key_command: print("cd".repeat(32)) });
    await worksWith(home);
    expect(existsSync(join(home.folder, `${VAULT}.key`))).toBe(false);
    for (const command of [print("$(echo no key)"), [process.execPath, "-e", "process.exit(3)"], ["/nonexistent/kms"]]) {
      settings(home, { key: "command", key_command: command });
      await expect(home.open()).rejects.toMatchObject({ code: "LEDGER_KEY" });
    }
  });

  it.each([Buffer.alloc(32, 7).toString("hex"), Buffer.alloc(32, 250).toString("base64"), Buffer.alloc(32, 250).toString("base64url")])(
    "is AGENT_VAULT_LEDGER_KEY: %s",
    async (key) => {
      const home = await LedgerHome.make();
      await worksWith(home, home.context({ env: { AGENT_VAULT_HOME: home.home, AGENT_VAULT_LEDGER_KEY: key } }));
    },
  );

  it.each(["short", "ab".repeat(31), "zz".repeat(32), Buffer.alloc(33, 1).toString("base64")])("is not %s", async (key) => {
    const home = await LedgerHome.make();
    const context = home.context({ env: { AGENT_VAULT_HOME: home.home, AGENT_VAULT_LEDGER_KEY: key } });
    const error: unknown = await home.open({ context }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "LEDGER_KEY" });
    expect(String(error)).not.toContain(key);
  });

  it("lies in the keychain of the system, where there is one", async () => {
    // A double: no keychain runs where tests run. It does what the keychain's own entry does.
    const kept = new Map<string, string>();
    const keychain = async (service: string, account: string): Promise<KeychainEntry> => ({
      getPassword: () => kept.get(`${service}/${account}`) ?? null,
      setPassword: (password) => void kept.set(`${service}/${account}`, password),
    });
    const source = new KeychainKey(VAULT, keychain);
    expect(await source.read()).toBeUndefined();
    const key = await source.create();
    expect(key).toHaveLength(32);
    expect(await new KeychainKey(VAULT, keychain).read()).toEqual(key);
    expect(await new KeychainKey("another-vault", keychain).read()).toBeUndefined();
    const locked = new KeychainKey(VAULT, () => Promise.reject(new Error("locked")));
    await expect(locked.read()).rejects.toMatchObject({ code: "LEDGER_KEY" });
  });

  it.each([
    "no JSON",
    { key: "somewhere" },
    { cipher: "none" },
    { key: "command" },
    { key_command: ["x"] },
    { key: "command", key_command: [] },
    { unknown: 1 },
  ])("is not asked for where the settings are %j", async (content) => {
    const home = await LedgerHome.make();
    settings(home, content);
    await expect(home.open()).rejects.toMatchObject({ code: "INVALID_CONFIG" });
  });

  it("opens the other cipher that can be chosen", async () => {
    const home = await LedgerHome.make();
    settings(home, { cipher: "aes256gcm" });
    await worksWith(home);
    expect(readFileSync(home.file).includes("CREATE TABLE")).toBe(false);
  });
});
