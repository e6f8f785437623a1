import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { refusal, Sandbox, type RunOptions } from "../support/sandbox.js";
import { makeVault } from "../support/vault.js";
import { resign } from "../support/signing.js";
import { filesBelow } from "../faults/vault-at-work.js";

async function expectRefused(
  box: Sandbox,
  words: readonly string[],
  code: string,
  remedy: string,
  options: RunOptions = {},
): Promise<void> {
  const before = filesBelow(box.root);
  const refused = await box.cli(["init", ...words], options);
  expect(refusal(refused)[0]).toBe(code);
  expect(refused.stderr).toContain(remedy);
  expect(filesBelow(box.root)).toEqual(before);
}

describe("init is refused, and nothing is written,", () => {
  it("in the home folder, where the keys lie in a folder of the vault's name", async () => {
    const box = new Sandbox();
    await expectRefused(box, [], "INVALID_VALUE", "AGENT_VAULT_HOME", { cwd: box.home });
    await expectRefused(box, [join(box.home, ".agent-vault/keys")], "INVALID_VALUE", "agent-vault init DIR");
    const elsewhere = await box.cli(["init"], { cwd: box.home, env: { AGENT_VAULT_HOME: join(box.root, "keys") } });
    expect(elsewhere.code).toBe(0);
  });

  it("in a vault", async () => {
    const box = new Sandbox();
    await makeVault(box);
    await expectRefused(box, [], "INVALID_VALUE", "", { cwd: box.vault });
    await expectRefused(box, [".agent-vault/secrets/new"], "INVALID_VALUE", "");
  });

  it("in a bare repository, and in a repository's own folder", async () => {
    const box = new Sandbox();
    const bare = join(box.root, "bare.git");
    box.git("init", "--quiet", "--bare", bare);
    await expectRefused(box, [], "INVALID_VALUE", "Clone it", { cwd: bare });
    await expectRefused(box, [], "INVALID_VALUE", "Clone it", { cwd: join(box.repository, ".git") });
  });

  it.each(["--passphrase", "--post-quantum"])("with %s where there is a key that cannot be had so", async (flag) => {
    const box = new Sandbox();
    await makeVault(box);
    const other = join(box.root, "other");
    await expectRefused(box, [other, flag], "ALREADY_EXISTS", "--new-key");
    expect(existsSync(other)).toBe(false);
    const withKey = new Sandbox();
    await expectRefused(withKey, [flag, "--key", box.ownerKey], "ALREADY_EXISTS", "--new-key");
    expect((await box.cli(["init", other, "--post-quantum", "--new-key"])).code).toBe(0);
    expect(readFileSync(join(other, ".agent-vault/owner.pub"), "utf8")).toMatch(/^age1pq1/);
  });
});

describe("git's rules for a vault", () => {
  const PRESENT =
    "# agent-vault: every byte counts, and git merges by what the vault's files mean\n*.enc -diff\n*.escrow -diff\n* -text -filter -ident -working-tree-encoding merge=agent-vault\n";
  const WITHOUT_DRIVER =
    "# agent-vault: every byte counts\n*.enc -diff -merge\n*.escrow -diff -merge\n* -text -filter -ident -working-tree-encoding\n";
  const FORMER = "# agent-vault: every byte counts\n* -text\n*.enc binary\n*.escrow binary\n";

  it("keep every byte, whatever filters the repository has", async () => {
    const box = new Sandbox();
    for (const action of ["clean", "smudge"]) box.git("config", "--global", `filter.shout.${action}`, "tr a-z A-Z");
    box.write(".gitattributes", ".agent-vault/** filter=shout ident working-tree-encoding=UTF-16\n");
    box.git("add", ".gitattributes");
    box.git("commit", "--quiet", "-m", "Attributes");
    await makeVault(box, { "a/id": "$Id$" });
    expect(box.git("status", "--porcelain")).toBe("");
    const clone = join(box.root, "clone");
    box.git("clone", "--quiet", box.repository, clone);
    expect(filesBelow(join(clone, ".agent-vault"))).toEqual(filesBelow(box.vault));
    expect(readdirSync(join(clone, ".agent-vault/secrets/a"))).toEqual(["id.enc", "id.meta"]);
  });

  it("are brought up to date with the next change, and are left alone where a person has added to them", async () => {
    for (const [present, after] of [
      [FORMER, PRESENT],
      [WITHOUT_DRIVER, PRESENT],
      [`${FORMER}*.enc filter=mine\n`, `${FORMER}*.enc filter=mine\n`],
    ] as const) {
      const box = new Sandbox();
      await makeVault(box);
      const file = join(box.vault, ".gitattributes");
      writeFileSync(file, present);
      resign(box);
      await box.set("a/b", "v");
      expect(readFileSync(file, "utf8")).toBe(after);
    }
  });
});
