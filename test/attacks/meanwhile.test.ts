import { cpSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { decrypt, openState, sign, VaultFiles, VaultFolder, VaultState, type FileSource } from "#vault/index.js";
import { SignedFiles } from "#vault/lock/signed-files.js";
import { ANY_USE } from "../support/policy.js";
import { errorCode } from "../support/sandbox.js";
import { runWatched, recordCalls } from "../faults/at-call.js";
import { CHANGE, edit, malloryKey, Scene, VALUE, write } from "./scene.js";
import { readIdentity } from "../support/identity.js";

const KEY = "secrets/stripe/api-key.enc";

/** A folder in which a file is swapped as soon as it was read so many times. */
class SwappingFolder implements FileSource {
  readonly root: string;
  readonly reads: string[] = [];
  readonly #folder: VaultFolder;
  readonly #swap: (file: string, time: number) => void;

  constructor(root: string, swap: (file: string, time: number) => void) {
    this.root = root;
    this.#folder = new VaultFolder(root);
    this.#swap = swap;
  }

  read(file: string): Uint8Array | undefined {
    const bytes = this.#folder.read(file);
    this.reads.push(file);
    this.#swap(file, this.reads.filter((read) => read === file).length);
    return bytes;
  }

  walk(folder?: string) {
    return this.#folder.walk(folder);
  }
}

describe("a file that is swapped between check and use", () => {
  it("is not used: what is decrypted are bytes that were checked, whenever the swap comes", async () => {
    const scene = await Scene.make();
    const { vault } = scene.owner;
    const forged = readFileSync(join(vault, "secrets/db/url.enc"));
    const right = readFileSync(join(vault, KEY));
    for (const time of [1, 2, 3]) {
      writeFileSync(join(vault, KEY), right);
      const source = new SwappingFolder(vault, (file, reads) => {
        if (file === KEY && reads === time) writeFileSync(join(vault, KEY), forged);
      });
      const files = new VaultFiles(source);
      files.vouch(new SignedFiles(scene.lock(), source));
      let bytes: Uint8Array | undefined;
      try {
        bytes = files.read(KEY);
      } catch (error) {
        expect(error).toMatchObject({ code: "TAMPERED" });
      }
      if (bytes) expect(Buffer.from(await decrypt(bytes, [readIdentity(scene.owner.key)])).toString()).toBe(VALUE);
      if (bytes) expect(files.read(KEY)).toBe(bytes);
    }
  });

  it("is not used by an owner's change, at any call that the command makes", { timeout: 120_000 }, async () => {
    const scene = await Scene.make();
    const { box } = scene;
    const { recipient } = await malloryKey();
    const evil = box.write(join(box.root, "evil.key"), recipient);
    const target = join(scene.owner.vault, "agents/alice/public.key");
    const good = readFileSync(target);
    const line = { words: ["set", "stripe/api-key", "--exact"], input: "new" };
    const trial = await Scene.make();
    const calls = await recordCalls(trial.box, line, "all");
    const points = calls.flatMap((call, index) =>
      call.includes("agents/alice/public.key") || call.includes("vault.lock") ? [index + 1] : [],
    );
    expect(points.length).toBeGreaterThan(2);
    const chosen = points.filter((_, index) => index % Math.ceil(points.length / 8) === 0);
    for (const at of chosen) {
      const { ended } = await runWatched(box, line, { kind: "all", at, run: `cp "${evil}" "${target}"` });
      const outcome = await ended;
      if (outcome.code !== 0) expect([errorCode(outcome), outcome.code]).toEqual(["TAMPERED", 5]);
      writeFileSync(target, good);
      // Whatever was signed is for alice's own key: she reads it, and the state is whole.
      expect(await scene.owner.read()).toMatch(/^(new|sk_live_2)$/);
      const { value } = await readAs(scene);
      expect(value).toMatch(/^(new|sk_live_2)$/);
      expect((await openState(scene.owner.context(), scene.owner.vault)).agentRecipient("alice").text).toBe(good.toString().trim());
    }
  });

  async function readAs(scene: Scene): Promise<{ value: string }> {
    const state = new VaultState(scene.owner.vault);
    return { value: Buffer.from(await decrypt(state.read(KEY)!, [readIdentity(scene.alice.key)])).toString() };
  }
});

describe("taking over outside changes", () => {
  it("shows who could newly read what, and signs no other state than the one that was shown", async () => {
    const scene = await Scene.make();
    const { owner } = scene;
    const { recipient } = await malloryKey();
    await scene.push((vault) => {
      edit(vault, "manifest.yaml", (text) => text.replace("agents:\n", "agents:\n- name: mallory\n  groups:\n  - stripe\n"));
      write(vault, "agents/mallory/public.key", recipient);
    });
    owner.takeUnseen();
    const head = scene.box.git("rev-parse", "HEAD");
    const asked: unknown[] = [];
    await sign(owner.context(), { vault: owner.vault, approve: ({ difference }) => (asked.push(difference), false) });
    expect(asked).toMatchObject([
      {
        access: [{ agent: "mallory", gains: ["stripe/api-key", "stripe/webhook"], loses: [] }],
        recipients: [{ kind: "agent", name: "mallory", before: undefined, after: recipient }],
      },
    ]);
    expect(scene.box.git("rev-parse", "HEAD")).toBe(head);
    const another = sign(owner.context(), {
      vault: owner.vault,
      approve: () => {
        write(owner.vault, "policy.yaml", ANY_USE);
        return true;
      },
    });
    await expect(another).rejects.toMatchObject({ code: "CONFLICT" });
    expect(scene.box.git("rev-parse", "HEAD")).toBe(head);
    await owner.expectRefused("TAMPERED", CHANGE);
    await owner.expectListedAsBefore();

    const nobody = await scene.box.cli(["sign"], { input: "y\n" });
    expect([errorCode(nobody), nobody.stdout.length]).toEqual(["CONFIRMATION_REQUIRED", 0]);
    const guessed = await scene.box.cli(["sign", "--yes", `sha256:${"0".repeat(64)}`]);
    expect([errorCode(guessed), guessed.stdout.length]).toEqual(["CONFLICT", 0]);
    expect(scene.box.git("rev-parse", "HEAD")).toBe(head);
  });

  it("leaves no key that was replaced in any file", async () => {
    const scene = await Scene.make();
    const { owner, alice } = scene;
    const { identity, recipient } = await malloryKey();
    write(owner.vault, "agents/alice/public.key", recipient);
    cpSync(join(owner.vault, "agents/alice/private.key.escrow"), join(scene.box.root, "escrow"));
    renameSync(join(owner.vault, "agents/alice/private.key.escrow"), join(scene.box.root, "old.escrow"));
    await sign(owner.context(), { vault: owner.vault, approve: () => true });
    const file = new VaultState(owner.vault).read(KEY)!;
    await expect(decrypt(file, [readIdentity(alice.key)])).rejects.toMatchObject({ code: "NOT_AUTHORIZED" });
    expect(Buffer.from(await decrypt(file, [identity])).toString()).toBe(VALUE);
  });
});

describe("what a clone does not bring along", () => {
  it("cannot be brought: a journal in the repository is not one of .git", async () => {
    const scene = await Scene.make();
    const head = scene.box.git("rev-parse", "HEAD").trim();
    await scene.push((vault) => {
      const journal = JSON.stringify({ vault: ".agent-vault", ref: "refs/heads/main", old: head, new: head });
      write(vault, "../agent-vault/journal.json", journal);
      write(vault, "journal.json", journal);
    });
    expect(await scene.alice.pullAndRead()).toBe(VALUE);
    expect(existsSync(join(scene.alice.clone, ".git/agent-vault/journal.json"))).toBe(false);
  });
});
