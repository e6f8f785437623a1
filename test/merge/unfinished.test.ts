import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { vaultStatus } from "#ledger/queries/vault-status.js";
import { revoke, verify } from "#vault/index.js";
import { readSecret } from "#vault/read-only.js";
import { makeGitTeam, MARK } from "./git-team.js";
import { store } from "./team.js";

describe("while a merge of the vault is not signed", () => {
  it("readers go on with a state from before, with a warning; status and verify say what waits, and for whom", async () => {
    const { ana, ben, box } = await makeGitTeam();
    await store(ana, "g/p", "by ana");
    await store(ben, "g/b", "by ben");
    ben.git("push", "--quiet");
    ana.git("fetch", "--quiet");
    ana.git("merge", "--quiet", "--no-edit", "origin/main");
    const read = async (path: string, key?: string) => {
      const context = ana.context();
      const { value } = await readSecret(context, ana.vault, path, { pull: false, ...(key !== undefined && { key: { keyFile: key } }) });
      return [Buffer.from(value).toString(), context.warnings.length];
    };
    expect(await read("g/p")).toEqual(["by ana", 1]);
    expect(await read("g/p", join(box.home, ".agent-vault", "agents", "bot.key"))).toEqual(["by ana", 1]);
    await expect(read("g/b")).rejects.toMatchObject({ code: "SECRET_NOT_FOUND" });
    // Nothing was signed by that.
    expect([existsSync(join(ana.folder, MARK)), ana.lock()]).toEqual([true, expect.stringContaining("joined:")]);
    const status = await vaultStatus(ana.context(), ana.vault);
    expect(status.merge).toMatchObject({ commit: ana.git("rev-parse", "HEAD").trim(), owners: ["eric", "ben"] });
    expect(status.next).toBe("agent-vault sync");
    const { findings } = await verify(ana.context(), ana.vault);
    expect(findings[0]).toMatchObject({ kind: "unfinished-merge", severity: "error", remedy: expect.stringContaining("eric, ben") });
  });

  it("what was revoked on the other side is no way round: it is read as this machine knows it to be revoked", async () => {
    const { ana, ben, box } = await makeGitTeam();
    await revoke(ben.context(), { ...ben.request(), agent: "bot", target: "g" });
    await store(ben, "g/p", "after the revoke");
    ben.git("push", "--quiet");
    await store(ana, "g/a", "1");
    ana.git("fetch", "--quiet");
    ana.git("merge", "--quiet", "--no-edit", "origin/main");
    const key = { keyFile: join(box.home, ".agent-vault", "agents", "bot.key") };
    const read = () => readSecret(ana.context(), ana.vault, "g/p", { pull: false, key });
    await expect(read()).rejects.toMatchObject({ code: "NOT_AUTHORIZED" });
    await ana.sync();
    await expect(read()).rejects.toMatchObject({ code: "NOT_AUTHORIZED" });
  });
});
