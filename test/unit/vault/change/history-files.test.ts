import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { addOwner, openVault, renew, rotateOwner, set, sign, verify } from "#vault/index.js";
import { Ancestry } from "#vault/lock/ancestry.js";
import { digestOf, type Digest } from "#vault/lock/digest.js";
import { openLock, type SignedLock } from "#vault/lock/open-lock.js";
import { signerLocks } from "#vault/lock/signer-locks.js";
import { Sandbox } from "../../../support/sandbox.js";
import { makeVault } from "../../../support/vault.js";

const file = (box: Sandbox, name: string) => readFileSync(join(box.vault, name));
const ancestry = (box: Sandbox) => Ancestry.parse(existsSync(join(box.vault, "vault.states")) ? file(box, "vault.states") : undefined);

/** The states that HEAD has behind it, the newest first, its own among them. */
function statesInHistory(box: Sandbox): Digest[] {
  const commits = box.git("rev-list", "HEAD", "--", ".agent-vault/vault.lock").trim().split("\n");
  return commits.map((commit) => digestOf(`${box.git("show", `${commit}:.agent-vault/vault.lock`).trimEnd()}\n`));
}

/** That exactly the states behind the present one are listed, and that every file is what was signed. */
async function expectListed(box: Sandbox): Promise<void> {
  const [, ...behind] = statesInHistory(box);
  expect(ancestry(box).size).toBe(behind.length);
  for (const digest of behind) expect(ancestry(box).has(digest)).toBe(true);
  expect((await verify(box.context(), box.vault)).findings.filter(({ severity }) => severity === "error")).toEqual([]);
  expect(box.git("status", "--porcelain")).toBe("");
}

async function signers(box: Sandbox): Promise<SignedLock[]> {
  const { files, trusted } = await openVault(box.context(), box.vault, "files");
  return signerLocks(files, trusted!.lock.vault);
}

function bertsKey(box: Sandbox): { keyFile: string } {
  return { keyFile: join(box.root, "bert.key") };
}

async function withBert(): Promise<Sandbox> {
  const box = new Sandbox();
  await makeVault(box, { "db/password": "one" });
  await addOwner(box.context(), { vault: box.vault, owner: "bert", keyOut: bertsKey(box).keyFile });
  return box;
}

describe("the files of a vault's history", () => {
  it("are none in the first state", async () => {
    const box = new Sandbox();
    await box.init();
    expect(readdirSync(box.vault).toSorted()).toEqual(
      [".gitattributes", ".gitignore", "config.yaml", "manifest.yaml", "owner.pub", "vault.lock", "vault.lock.sig"].toSorted(),
    );
    expect(file(box, "config.yaml").toString()).not.toContain("signed_files");
  });

  it("list after each change all states behind it, and keep the first one", async () => {
    const box = new Sandbox();
    await makeVault(box, { "db/password": "one", "db/user": "two" }, { bot: ["db"] });
    await expectListed(box);
    await renew(box.context(), { vault: box.vault });
    await expectListed(box);
    expect((await signers(box)).map(({ lock }) => lock.sequence)).toEqual([1]);
    expect((await signers(box))[0]!.digest).toBe(statesInHistory(box).at(-1));
  });

  it("keep each state that changed who may sign, so that its successor's signer can be known without history", async () => {
    const box = await withBert();
    const added = statesInHistory(box)[0]!;
    expect((await signers(box)).map(({ lock }) => lock.sequence)).toEqual([1]);
    await set(box.context(), { vault: box.vault, path: "db/password", value: Buffer.from("bert's"), key: bertsKey(box) });
    const [, second] = await signers(box);
    const { signer } = openLock(file(box, "vault.lock"), file(box, "vault.lock.sig"));
    expect(second!.digest).toBe(added);
    expect(second!.lock.owners.map(({ key }) => key)).toContain(signer);
    await set(box.context(), { vault: box.vault, path: "db/password", value: Buffer.from("more") });
    expect(await signers(box)).toHaveLength(2);
    await expectListed(box);
  });

  it("are whole in both commits of a change of keys", async () => {
    const box = new Sandbox();
    await makeVault(box, { "db/password": "one" });
    await rotateOwner(box.context(), { vault: box.vault });
    await expectListed(box);
    const [present, handedOver] = statesInHistory(box);
    expect((await signers(box)).map(({ digest }) => digest).at(-1)).toBe(handedOver);
    expect(ancestry(box).has(present!)).toBe(false);
    const { findings } = await verify(box.context(), box.vault, { at: "HEAD^" });
    expect(findings.filter(({ kind }) => kind === "tampered")).toEqual([]);
  });

  it("are put right by a signature over outside changes, which vouches for no other lock in signers/", async () => {
    const box = await withBert();
    const [first] = await signers(box);
    const name = first!.digest.slice("sha256:".length);
    rmSync(join(box.vault, `signers/${name}.sig`));
    writeFileSync(join(box.vault, `signers/${"0a".repeat(32)}.lock`), "somebody's");
    writeFileSync(join(box.vault, "vault.states"), "another's\n");
    writeFileSync(join(box.vault, "policy.yaml"), "version: 1\nrules: []\n");
    expect((await verify(box.context(), box.vault)).findings.map(({ kind, file: of }) => `${kind} ${of}`).toSorted()).toEqual(
      [
        "tampered policy.yaml",
        "tampered vault.states",
        `tampered signers/${"0a".repeat(32)}.lock`,
        `tampered signers/${name}.sig`,
      ].toSorted(),
    );
    await sign(box.context(), { vault: box.vault, approve: ({ difference }) => difference.files.join() === "policy.yaml" });
    await expectListed(box);
    expect(await signers(box)).toHaveLength(2);
  });

  it("come with a change, and are none of their own", async () => {
    const box = new Sandbox();
    await makeVault(box, { "db/password": "one" }, { bot: ["db"] });
    const before = statesInHistory(box).length;
    await box.grant("bot", "db");
    expect(statesInHistory(box)).toHaveLength(before);
  });

  it("leave in config.yaml all that is not theirs", async () => {
    const box = new Sandbox();
    await makeVault(box, { "db/password": "one" });
    const edited = file(box, "config.yaml")
      .toString()
      .replace("signed_files:\n", `signed_files:\n  zones.yaml: ${digestOf("later")}\n`);
    writeFileSync(join(box.vault, "config.yaml"), `# ours\n${edited}settings:\n  pull_interval: 5 # often\n  later: true\n`);
    await box.sign();
    await box.set("db/password", "two");
    const config = file(box, "config.yaml").toString();
    for (const kept of ["# ours\n", "  pull_interval: 5 # often\n", "  later: true\n", `  zones.yaml: ${digestOf("later")}\n`]) {
      expect(config).toContain(kept);
    }
    await expectListed(box);
  });

  it("take a configuration in one line, and write it as it can be read", async () => {
    const box = new Sandbox();
    await makeVault(box, { "db/password": "one" });
    const id = /^id: (.*)$/m.exec(file(box, "config.yaml").toString())![1]!;
    writeFileSync(join(box.vault, "config.yaml"), `{version: 1, encryption: {format: age}, id: ${id}, "signed_files": {}}\n`);
    await box.sign();
    await expectListed(box);
  });
});
