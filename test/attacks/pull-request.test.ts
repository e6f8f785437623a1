import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { addOwner, generateIdentity, removeOwner, revoke, set, verify, type Context, type VerifyOptions } from "#vault/index.js";
import { parseLock } from "#vault/lock/lock.js";
import { prepared, type Sandbox } from "../support/sandbox.js";
import { resign } from "../support/signing.js";
import { makeVault } from "../support/vault.js";

/** A protected branch `main`, and a branch `change` that is proposed for it and checked out. */
const proposed = prepared(async (box) => {
  await makeVault(box, { "stripe/api-key": "one" }, { bot: ["stripe"] });
  box.git("checkout", "--quiet", "-b", "change");
});

/** A hosted runner: no key, nothing remembered, strict. */
const ci = (box: Sandbox, env: Readonly<Record<string, string>> = {}): Context =>
  box.context({ home: join(box.root, "runner"), env: { ...box.env, HOME: join(box.root, "runner"), CI: "true", ...env } });

async function found(box: Sandbox, context = ci(box), options: VerifyOptions = { against: "main" }): Promise<string[]> {
  const { findings } = await verify(context, box.vault, options);
  return findings.map(({ severity, kind }) => `${severity} ${kind}`);
}

/** Changes the vault on `main`, and comes back to the branch. */
async function onMain(box: Sandbox, change: () => Promise<unknown>): Promise<void> {
  box.git("checkout", "--quiet", "main");
  await change();
  box.git("checkout", "--quiet", "change");
}

const ownerOf = (box: Sandbox) => parseLock(readFileSync(join(box.vault, "vault.lock"))).owners[0]!.key;

/** A second owner, by name, and how to act as one. */
async function secondOwner(box: Sandbox): Promise<Context> {
  const keyOut = join(box.root, "bert.key");
  await addOwner(box.context(), { vault: box.vault, owner: "bert", keyOut });
  return box.context({ env: { ...box.env, AGENT_VAULT_KEY: keyOut } });
}

function commitAll(box: Sandbox): void {
  box.git("add", "--all");
  box.git("commit", "--quiet", "--message", "by hand");
}

describe("a pull request, verified where nothing but its base is known", () => {
  it("is vouched for by the base; without one the error says what to set", async () => {
    const box = await proposed();
    await box.set("db/url", "two");
    expect(await found(box)).toEqual([]);
    expect(await found(box, ci(box, { CI: "" }))).toEqual([]);
    const { findings } = await verify(ci(box), box.vault);
    expect(findings).toMatchObject([{ severity: "error", kind: "signer-unknown" }]);
    expect(findings[0]!.remedy).toContain(`AGENT_VAULT_OWNER='${ownerOf(box)}'`);
    expect(await found(box, ci(box, { AGENT_VAULT_OWNER: ownerOf(box) }), {})).toEqual([]);
  });

  it("is refused where it brings a vault or an owner of its own, or takes the signature away", async () => {
    const box = await proposed();
    const owner = ownerOf(box);
    const fresh = box.git("rev-parse", "HEAD").trim();
    resign(box, (_, { publicKey }) => ({ owners: [{ name: "owner", key: publicKey }] }), await generateIdentity("x25519"));
    expect(await found(box)).toEqual(["error untrusted-signer"]);

    box.git("reset", "--quiet", "--hard", fresh);
    rmSync(box.vault, { recursive: true });
    rmSync(box.ownerKey);
    await box.init();
    expect(await found(box)).toEqual(["error wrong-vault"]);
    expect(await found(box, ci(box, { AGENT_VAULT_OWNER: `${owner},${ownerOf(box)}` }))).toEqual(["error wrong-vault"]);

    box.git("reset", "--quiet", "--hard", fresh);
    for (const end of ["", ".sig"]) rmSync(join(box.vault, `vault.lock${end}`));
    expect(await found(box)).toContain("error unsigned");
    box.git("checkout", "--quiet", "--orphan", "bare");
    commitAll(box);
    expect(await found(box, ci(box), { at: "bare", against: "main" })).toContain("error unsigned");
  });

  it("is refused where it takes states back; one that is only behind is fine, and in a shallow clone that is said", async () => {
    const box = await proposed();
    await onMain(box, () => revoke(box.context(), { vault: box.vault, agent: "bot", target: "stripe" }));
    expect(await found(box)).toEqual([]);
    box.git("merge", "--quiet", "main");
    box.git("revert", "--no-edit", "HEAD");
    expect(await found(box)).toEqual(["error rollback"]);
    // Without the base, and squashed into one commit whose history tells nothing.
    box.git("checkout", "--quiet", "--orphan", "squashed");
    box.git("commit", "--quiet", "--message", "squashed");
    expect(await found(box)).toEqual(["warning rollback"]);
  });

  it("is refused where an owner signed it whom the base has removed, whatever else is known", async () => {
    const box = await proposed();
    const owner = ownerOf(box);
    const bert = await secondOwner(box);
    box.git("branch", "--force", "main");
    await onMain(box, () => removeOwner(box.context(), { vault: box.vault, owner: "bert" }));
    await set(bert, { vault: box.vault, path: "db/url", value: Buffer.from("two") });
    expect(await found(box)).toEqual(["error untrusted-signer"]);
    expect(await found(box, ci(box, { AGENT_VAULT_OWNER: owner }))).toEqual(["error untrusted-signer"]);
  });

  it("is fine where an owner was added on the way, and signed the rest", async () => {
    const box = await proposed();
    const bert = await secondOwner(box);
    await set(bert, { vault: box.vault, path: "db/url", value: Buffer.from("two") });
    expect(await found(box)).toEqual([]);
  });

  it("needs an owner where the branch was changed too, and is compared with the branch once that holds a part of it", async () => {
    const box = await proposed();
    await box.set("db/url", "two");
    box.git("checkout", "--quiet", "main");
    box.git("merge", "--quiet", "--squash", "change");
    box.git("commit", "--quiet", "--message", "the first part, squashed");
    const squashed = box.git("rev-parse", "HEAD").trim();
    box.git("checkout", "--quiet", "change");
    await box.set("db/user", "three");
    const { findings, comparison } = await verify(ci(box), box.vault, { against: "main" });
    expect(findings).toEqual([]);
    expect(comparison).toMatchObject({ base: squashed, difference: { secrets: { added: ["db/user"] } } });

    await onMain(box, () => box.set("db/port", "four"));
    expect(await found(box)).toEqual(["warning diverged"]);
  });

  it("has no anchor in a base without a vault, or with one that is not sound", async () => {
    const box = await proposed();
    await onMain(box, async () => {
      rmSync(join(box.vault, "vault.lock.sig"));
      commitAll(box);
    });
    expect(await found(box)).toEqual(["error signer-unknown", "warning against"]);
    await onMain(box, async () => {
      rmSync(box.vault, { recursive: true });
      commitAll(box);
    });
    expect(await found(box)).toContain("error signer-unknown");
  });
});
