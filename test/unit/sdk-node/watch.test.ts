import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { Vault, VerificationError, type SecretChange, type WatchOptions } from "#sdk-node/index.js";
import { setLastAsked } from "../../support/memory-and-clock.js";
import { agentsMachines, outputOf } from "./agents-machine.js";

const grantedVault = agentsMachines();

/** A watch whose changes are waited for one by one. */
async function watching(vault: Vault, options: WatchOptions = {}) {
  const changes: SecretChange[] = [];
  let wake = () => {};
  const take = (change: SecretChange) => {
    changes.push(change);
    wake();
  };
  const watch = await vault.watch("stripe/api-key", take, { interval: 5, ...options });
  onTestFinished(() => watch.close());
  const next = async () => {
    while (changes.length === 0) await new Promise<void>((done) => (wake = done));
    return changes.shift()!.kind;
  };
  return { watch, changes, next };
}

describe("a watch", () => {
  it("tells of new values and of access that comes and goes, and of nothing else", async () => {
    const { box, options } = await grantedVault();
    const vault = new Vault(options);
    const { next, changes } = await watching(vault);
    await box.set("stripe/cert", "another secret's value");
    await box.addAgent("alice", "stripe");
    await box.set("stripe/api-key", "sk_2");
    expect(await next()).toBe("value");
    expect(await vault.get("stripe/api-key")).toBe("sk_2");
    await box.ok("revoke", "bot", "stripe");
    expect(await next()).toBe("revoked");
    await box.set("stripe/api-key", "sk_3");
    await box.grant("bot", "stripe");
    expect(await next()).toBe("granted");
    await box.ok("delete", "stripe/api-key");
    expect(await next()).toBe("deleted");
    expect(changes).toEqual([]);
  });

  it("pulls as reads do", async () => {
    const { box, options } = await grantedVault();
    const remote = box.addRemote();
    const clone = join(box.root, "clone");
    box.gitIn(box.root, "clone", "--quiet", remote, clone);
    const vault = new Vault({ ...options, repoPath: clone });
    const { next } = await watching(vault);
    await box.set("stripe/api-key", "sk_2");
    box.git("push", "--quiet");
    setLastAsked(clone);
    expect(await next()).toBe("value");
    expect(await vault.get("stripe/api-key")).toBe("sk_2");
  });

  it("says once that the vault is not what its owner signed, and goes on when it is again", async () => {
    const { box, options } = await grantedVault();
    const errors: unknown[] = [];
    let wake = () => {};
    const failed = new Promise<void>((done) => (wake = done));
    const onError = (error: unknown) => {
      errors.push(error);
      wake();
    };
    const { next } = await watching(new Vault(options), { onError });
    writeFileSync(join(box.vault, "secrets/stripe/api-key.enc"), "another owner's");
    await failed;
    box.git("checkout", "--quiet", "--", ".agent-vault");
    await box.set("stripe/api-key", "sk_2");
    expect(await next()).toBe("value");
    expect(errors).toEqual([expect.any(VerificationError)]);
  });

  it("ends by a signal, by itself or with its vault, and then calls nobody", async () => {
    const { box, options } = await grantedVault();
    const aborting = new AbortController();
    const [vault, other] = [new Vault(options), new Vault(options)];
    const bySignal = await watching(vault, { signal: aborting.signal });
    const byItself = await watching(vault);
    const byVault = await watching(other);
    const still = await watching(vault);
    aborting.abort();
    byItself.watch.close();
    await other.close();
    await box.set("stripe/api-key", "sk_2");
    expect(await still.next()).toBe("value");
    expect([bySignal, byItself, byVault].map(({ changes }) => changes)).toEqual([[], [], []]);
    await expect(vault.watch("stripe/api-key", () => {}, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: "AbortError" });
  });

  it("keeps the process alive, or does not, as asked", async () => {
    const { box, options } = await grantedVault();
    const program = (persistent: boolean) => `import { Vault } from "agent-vault";
      const vault = new Vault(${JSON.stringify(options)});
      const watch = await vault.watch("stripe/api-key", () => {}, { interval: 5, persistent: ${persistent} });
      setTimeout(() => { console.log("still here"); watch.close(); }, ${persistent ? 20 : 30_000}).unref();`;
    expect(await outputOf(box, program(false))).toBe("");
    expect(await outputOf(box, program(true))).toBe("still here\n");
  });

  it("refuses what it cannot watch", async () => {
    const { options } = await grantedVault();
    const vault = new Vault(options);
    await expect(vault.watch("stripe/none", () => {})).rejects.toMatchObject({ code: "SECRET_NOT_FOUND" });
    await expect(vault.watch("../x", () => {})).rejects.toMatchObject({ code: "INVALID_NAME" });
    await expect(vault.watch("stripe/api-key", undefined as never)).rejects.toMatchObject({ code: "USAGE" });
    for (const wrong of [{ interval: 0 }, { interval: Number.NaN }, { interval: Infinity }, { signal: {} }, { onError: 7 }, null])
      await expect(vault.watch("stripe/api-key", () => {}, wrong as never)).rejects.toMatchObject({ code: "USAGE" });
  });
});
