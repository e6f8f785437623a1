import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { rotateOwner } from "#vault/index.js";
import { openLock } from "#vault/lock/open-lock.js";
import { CHANGE, OVERVIEW, PULL, READ, Scene, VALUE } from "./scene.js";
import { signFolder } from "../support/signing.js";
import { readIdentity } from "../support/identity.js";

/** The owner has a new key, and mallory has the old one. */
async function rotated(): Promise<{ scene: Scene; stolen: string; keyOut: string }> {
  const scene = await Scene.make();
  const { owner } = scene;
  const stolen = join(scene.box.root, "stolen.key");
  cpSync(owner.key, stolen);
  const keyOut = join(scene.box.root, "rotated.key");
  scene.box.git("tag", "before");
  await rotateOwner(owner.context({ AGENT_VAULT_KEY: "" }), { vault: owner.vault, key: { keyFile: stolen }, keyOut });
  scene.box.git("push", "--quiet", "origin", "main", "before");
  scene.box.gitIn(scene.folder("mallory"), "pull", "--quiet", "--tags");
  return { scene, stolen, keyOut };
}

describe("a key that was an owner's", () => {
  it("brings back nothing that it signed, once its successor was seen", async () => {
    const { scene } = await rotated();
    const { alice } = scene;
    expect(await alice.pullAndRead()).toBe(VALUE);
    await scene.push((vault) => {
      rmSync(vault, { recursive: true });
      scene.box.gitIn(scene.folder("mallory"), "checkout", "--quiet", "before", "--", ".agent-vault");
    });
    await alice.expectRefused("ROLLBACK", PULL);
    alice.takeUnseen();
    await alice.expectRefused("ROLLBACK", { ...PULL, ...OVERVIEW });
  });

  it("brings back nothing for those who slept through the rotation either", async () => {
    const { scene } = await rotated();
    await scene.push((vault) => {
      rmSync(vault, { recursive: true });
      scene.box.gitIn(scene.folder("mallory"), "checkout", "--quiet", "before", "--", ".agent-vault");
    });
    await scene.newcomer(scene.alice.key).expectRefused("ROLLBACK", { ...PULL, ...READ });
  });

  it.each(["on top of the newest", "on top of the last that it signed"])("signs nothing more: %s", async (where) => {
    const { scene, stolen, keyOut } = await rotated();
    const { alice, owner } = scene;
    expect(await alice.pullAndRead()).toBe(VALUE);
    const key = scene.signingKey(readIdentity(stolen));
    const newest = scene.lock();
    const { digest } = openLock(readFileSync(join(owner.vault, "vault.lock")), readFileSync(join(owner.vault, "vault.lock.sig")));
    await scene.push((vault) => {
      if (where !== "on top of the newest") {
        rmSync(vault, { recursive: true });
        scene.box.gitIn(scene.folder("mallory"), "checkout", "--quiet", "before", "--", ".agent-vault");
      }
      const previous =
        where === "on top of the newest"
          ? digest
          : openLock(readFileSync(join(vault, "vault.lock")), readFileSync(join(vault, "vault.lock.sig"))).digest;
      signFolder(vault, key, { sequence: newest.sequence + 1, previous: [previous], owners: [{ name: "eric", key: key.publicKey }] });
    });
    await alice.expectRefused("UNTRUSTED_SIGNER", PULL);
    alice.takeUnseen();
    await alice.expectRefused("UNTRUSTED_SIGNER", { ...READ, ...OVERVIEW });
    owner.takeUnseen();
    writeFileSync(owner.key, readFileSync(keyOut));
    await owner.expectRefused("UNTRUSTED_SIGNER", CHANGE);
  });
});
