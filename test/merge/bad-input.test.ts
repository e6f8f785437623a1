import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { set, SigningKey, removeOwner, VaultError } from "#vault/index.js";
import { digestOf } from "#vault/lock/digest.js";
import { parseLock } from "#vault/lock/lock.js";
import { readIdentity } from "../support/identity.js";
import { makeTeam, store, type Member } from "./team.js";

/** What a sync, or another command, is refused with. Nothing has changed then. */
async function refusal(member: Member, work: () => Promise<unknown> = () => member.sync({ side: "theirs" })): Promise<VaultError> {
  const before = [member.git("rev-parse", "HEAD"), member.lock(), member.git("status", "--porcelain")];
  const error = await work().then(
    () => expect.fail("It was not refused."),
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(VaultError);
  expect((error as VaultError).remedy).toMatch(/\S/);
  expect([member.git("rev-parse", "HEAD"), member.lock(), member.git("status", "--porcelain")]).toEqual(before);
  return error as VaultError;
}

/** What a person who resolves nothing commits: both versions of a part of a file, between git's markers. */
function commitMarkers(member: Member, file: string): void {
  const path = join(member.vault, file);
  const lines = readFileSync(path, "utf8").split("\n");
  writeFileSync(path, ["<<<<<<< HEAD", lines[0], "=======", lines[0], ">>>>>>> origin/main", ...lines.slice(1)].join("\n"));
  member.git("commit", "--quiet", "--all", "--message", "Merge");
}

describe("a merge of what cannot be merged", () => {
  it("of two owners that have removed each other is refused to both, with who decides", async () => {
    const { ana, ben } = await makeTeam();
    await removeOwner(ana.context(), { ...ana.request(), owner: "ben" });
    await removeOwner(ben.context(), { ...ben.request(), owner: "eric" });
    ben.git("push", "--quiet");
    const error = await refusal(ana);
    expect([error.code, error.remedy]).toEqual(["NOT_AUTHORIZED", expect.stringContaining("(ben)")]);
    expect((await ben.sync()).merged).toBeUndefined();
  });

  it("that has nine parents, by an owner's key, is no state", async () => {
    const { ana, ben } = await makeTeam();
    await store(ana, "g/a", "1");
    const lock = parseLock(Buffer.from(ana.lock()));
    const previous = Array.from({ length: 9 }, (_, index) => `  - ${digestOf(String(index))}`).toSorted();
    const text = ana
      .lock()
      .replace("version: 1", "version: 2")
      .replace(/^previous: .*$/m, `previous:\n${previous.join("\n")}`);
    const key = new SigningKey(readIdentity(join(ana.home, "owner.key")), lock.vault);
    writeFileSync(join(ana.vault, "vault.lock"), text);
    writeFileSync(join(ana.vault, "vault.lock.sig"), key.sign(Buffer.from(text)));
    ana.git("commit", "--quiet", "--all", "--message", "Nine");
    ana.git("push", "--quiet");
    expect(await refusal(ben)).toMatchObject({ code: "BAD_SIGNATURE" });
  });

  it.each(["manifest.yaml", "vault.lock"])(
    "with conflict markers in %s is named, with the way on, here and from the remote",
    async (file) => {
      const { ana, ben } = await makeTeam();
      commitMarkers(ben, file);
      const change = await refusal(ben, () => set(ben.context(), { ...ben.request(), path: "g/b", value: new Uint8Array() }));
      ben.git("push", "--quiet");
      for (const error of [change, await refusal(ben), await refusal(ana)]) {
        expect(error).toMatchObject({ code: file === "vault.lock" ? "BAD_SIGNATURE" : "TAMPERED", message: expect.stringContaining(file) });
        expect(error.message).toMatch(/merge/);
      }
    },
  );
});
