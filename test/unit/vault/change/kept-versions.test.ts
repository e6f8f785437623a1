import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { decrypt, parseIdentity } from "#vault/age/index.js";
import { differenceBetween } from "#vault/difference/difference.js";
import { VaultState } from "#vault/files/vault-state.js";
import { CommitFiles } from "#vault/files/commit-files.js";
import { GitRepository } from "#vault/git/repository.js";
import { set, setMany, sign, verify } from "#vault/index.js";
import { prepared, type Sandbox } from "../../../support/sandbox.js";
import { makeVault } from "../../../support/vault.js";

const vault = prepared((box) => makeVault(box, { "g/p": "first", "h/other": "other" }, { bot: ["g"] }));

const store = (box: Sandbox, path: string, value: string) =>
  set(box.context(), { vault: box.vault, path, value: new TextEncoder().encode(value) });

/** The kept values of a secret by the numbers that they had, as a key opens them. */
async function versions(box: Sandbox, path: string, key = box.ownerKey): Promise<Record<string, string>> {
  const folder = join(box.vault, "versions", path);
  const text = /AGE-SECRET-KEY-\S+/.exec(readFileSync(key, "utf8"))![0];
  const found = (existsSync(folder) ? readdirSync(folder) : []).toSorted();
  return Object.fromEntries(
    await Promise.all(
      found.map(async (file) => [
        file.split("-")[0]!,
        Buffer.from(await decrypt(readFileSync(join(folder, file)), [parseIdentity(text)])).toString(),
      ]),
    ),
  );
}

async function keep(box: Sandbox, count: number): Promise<void> {
  const config = join(box.vault, "config.yaml");
  const text = readFileSync(config, "utf8").replace(/settings:\n/, `settings:\n  keep_versions: ${count}\n`);
  writeFileSync(config, text.includes("keep_versions") ? text : `${text}settings:\n  keep_versions: ${count}\n`);
  await sign(box.context(), { vault: box.vault, approve: () => true });
}

describe("the value that a new one replaces", () => {
  it("is kept for the owners alone, the last one unless the vault says otherwise", async () => {
    const box = await vault();
    for (const value of ["second", "third", "third"]) await store(box, "g/p", value);
    // Setting the same value again replaces nothing.
    expect(await versions(box, "g/p")).toEqual({ 2: "second" });
    await expect(versions(box, "g/p", box.agentKey("bot"))).rejects.toMatchObject({ code: "NOT_AUTHORIZED" });
    expect((await verify(box.context(), box.vault, { strict: true })).findings).toEqual([]);
    const repository = await GitRepository.find(box.context(), box.repository);
    const before = new VaultState(CommitFiles.open(repository, "HEAD~2", box.vault));
    const changes = () => differenceBetween(before, new VaultState(box.vault)).changes;
    expect(changes().map(({ kind, subject, widens }) => [kind, subject, widens])).toEqual([
      ["secret", "changed", false],
      ["secret", "versions", false],
    ]);
    // One that anybody else could open is no kept version.
    const [version] = readdirSync(join(box.vault, "versions/g/p"));
    cpSync(join(box.vault, "secrets/g/p.enc"), join(box.vault, "versions/g/p", version!));
    expect(changes().find(({ widens }) => widens)).toMatchObject({ kind: "file", subject: `versions/g/p/${version}` });
  });

  it("is kept as often as settings.keep_versions says, by set and by a set of many", async () => {
    const box = await vault();
    await keep(box, 2);
    for (const value of ["second", "third"]) await store(box, "g/p", value);
    const secrets = ["g/p", "h/other", "g/new"].map((path) => ({ path, value: new TextEncoder().encode("fourth") }));
    await setMany(box.context(), { vault: box.vault, secrets });
    expect([await versions(box, "g/p"), await versions(box, "h/other"), await versions(box, "g/new")]).toEqual([
      { 2: "second", 3: "third" },
      { 1: "other" },
      {},
    ]);
  });

  it("is not kept where the vault keeps none", async () => {
    const box = await vault();
    await store(box, "g/p", "second");
    await keep(box, 0);
    await store(box, "g/p", "third");
    expect(await versions(box, "g/p")).toEqual({});
  });
});
