import { cpSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  addAgent,
  deleteSecret,
  encrypt,
  generateIdentity,
  move,
  parseRecipient,
  readSecret,
  recoverAgent,
  removeAgent,
  restoreAgent,
  revoke,
  set,
  verificationError,
  verify,
} from "#vault/index.js";
import { ANY_USE } from "../support/policy.js";
import { errorCode } from "../support/sandbox.js";
import { SLOW } from "../support/slow.js";
import { CHANGE, edit, FORGED, inTurn, malloryKey, OVERVIEW, PULL, READ, Scene, VALUE, write, type Door } from "./scene.js";

const KEY = "secrets/stripe/api-key.enc";

/** What mallory does to the vault's files, and whether the one secret that is read lies in a folder that differs now. */
interface Attack {
  readonly reads: "refused" | "unharmed";
  readonly code?: string;
  /** What `get` says where it is another thing than what all else says. */
  readonly readCode?: string;
  readonly run: (vault: string, scene: Scene) => unknown;
}

async function forge(vault: string, _scene: Scene, file = KEY): Promise<void> {
  const keys = [readFileSync(join(vault, "owner.pub"), "utf8"), readFileSync(join(vault, "agents/alice/public.key"), "utf8")];
  write(vault, file, await encrypt(Buffer.from(FORGED), keys.map(parseRecipient)));
}

function swap(vault: string, a: string, b: string): void {
  renameSync(join(vault, a), join(vault, "swapped"));
  renameSync(join(vault, b), join(vault, a));
  renameSync(join(vault, "swapped"), join(vault, b));
}

const ATTACKS: Readonly<Record<string, Attack>> = {
  "her key for an agent's": {
    reads: "unharmed",
    run: async (vault) => write(vault, "agents/alice/public.key", (await malloryKey()).recipient),
  },
  "an agent of her own in the manifest": {
    reads: "unharmed",
    run: async (vault) => {
      edit(vault, "manifest.yaml", (text) => text.replace("agents:\n", "agents:\n- name: mallory\n  groups:\n  - stripe\n"));
      write(vault, "agents/mallory/public.key", (await malloryKey()).recipient);
    },
  },
  "herself as a second owner": {
    reads: "unharmed",
    run: async (vault) => {
      edit(vault, "manifest.yaml", (text) => text.replace("owners:\n", "owners:\n- name: mallory\n  public_key: owners/mallory.pub\n"));
      write(vault, "owners/mallory.pub", (await malloryKey()).recipient);
    },
  },
  "an owner's key that the manifest does not name": {
    reads: "unharmed",
    run: async (vault) => write(vault, "owners/mallory.pub", (await malloryKey()).recipient),
  },
  "her key for the owner's": { reads: "unharmed", run: async (vault) => write(vault, "owner.pub", (await malloryKey()).recipient) },
  "an owner's key outside the vault": {
    reads: "unharmed",
    run: (vault) => edit(vault, "manifest.yaml", (text) => text.replace("owner.pub", "../../owner.pub")),
  },
  "another agent's escrow": {
    reads: "unharmed",
    run: (vault) => cpSync(join(vault, "agents/bob/private.key.escrow"), join(vault, "agents/alice/private.key.escrow")),
  },
  "an extra agent of a secret": {
    reads: "unharmed",
    run: (vault) => edit(vault, "manifest.yaml", (text) => text.replace("extra_agents: {}", "extra_agents:\n  stripe/api-key:\n  - bob")),
  },
  "bob back in his group": {
    reads: "unharmed",
    run: (vault) => edit(vault, "manifest.yaml", (text) => text.replace("- name: bob\n  groups: []", "- name: bob\n  groups:\n  - stripe")),
  },
  "two secrets of a group, swapped": { reads: "refused", run: (vault) => swap(vault, KEY, "secrets/stripe/webhook.enc") },
  "two secrets of two groups, swapped": { reads: "refused", run: (vault) => swap(vault, KEY, "secrets/db/url.enc") },
  "a value that the public keys are enough for": { reads: "refused", run: forge },
  "an older value of the same secret": {
    reads: "refused",
    run: (_vault, scene) => scene.box.gitIn(scene.folder("mallory"), "checkout", "--quiet", "with-bob", "--", `.agent-vault/${KEY}`),
  },
  "other metadata": {
    reads: "refused",
    run: (vault) =>
      edit(vault, "secrets/stripe/api-key.meta", (text) => text.replace("authorized_agents:\n", "authorized_agents:\n- bob\n")),
  },
  "a new secret in a group": { reads: "refused", run: (vault, scene) => forge(vault, scene, "secrets/stripe/new.enc") },
  "a new group": { reads: "unharmed", run: (vault, scene) => forge(vault, scene, "secrets/new/secret.enc") },
  "a secret that is gone": { reads: "refused", run: (vault) => rmSync(join(vault, KEY)) },
  "a group that is gone": { reads: "refused", run: (vault) => rmSync(join(vault, "secrets/stripe"), { recursive: true }) },
  "a twin of a secret in other case": { reads: "refused", run: (vault, scene) => forge(vault, scene, "secrets/stripe/API-KEY.enc") },
  "a twin of a group in other case": { reads: "unharmed", run: (vault, scene) => forge(vault, scene, "secrets/Stripe/api-key.enc") },
  "a file for keys of two kinds": {
    reads: "refused",
    run: async (vault) => {
      write(vault, "agents/bob/public.key", await (await generateIdentity("post-quantum")).recipient());
      const bytes = readFileSync(join(vault, KEY));
      write(vault, KEY, Buffer.concat([bytes.subarray(0, 22), Buffer.from("-> mlkem768x25519 AAAA\nAAAA\n"), bytes.subarray(22)]));
    },
  },
  "names that climb out of the vault": {
    reads: "unharmed",
    run: (vault) => {
      edit(vault, "manifest.yaml", (text) =>
        text.replace("- name: bob", "- name: ../../bob").replace("- stripe/webhook", "- ../../../etc/passwd"),
      );
    },
  },
  "other settings": {
    reads: "unharmed",
    run: (vault) => edit(vault, "config.yaml", (text) => `${text}settings:\n  pull_interval: 86400\n`),
  },
  "a policy": { reads: "unharmed", run: (vault) => write(vault, "policy.yaml", ANY_USE) },
  "rules for git that run a program": {
    reads: "unharmed",
    run: (vault) => edit(vault, ".gitattributes", (text) => `${text}*.enc filter=lfs\n`),
  },
  "rules for git in a folder of the vault": {
    reads: "unharmed",
    run: (vault) => write(vault, "secrets/stripe/.gitattributes", "*.meta text eol=crlf\n"),
  },
  "a link for a secret": {
    reads: "refused",
    readCode: "LINK_IN_VAULT",
    run: (vault) => {
      rmSync(join(vault, KEY));
      symlinkSync("webhook.enc", join(vault, KEY));
    },
  },
  "a link for a group": {
    reads: "refused",
    readCode: "LINK_IN_VAULT",
    run: (vault) => {
      rmSync(join(vault, "secrets/stripe"), { recursive: true });
      symlinkSync("db", join(vault, "secrets/stripe"));
    },
  },
  "a link for the state": {
    reads: "refused",
    code: "LINK_IN_VAULT",
    run: (vault) => {
      renameSync(join(vault, "vault.lock"), join(vault, "../vault.lock"));
      symlinkSync("../vault.lock", join(vault, "vault.lock"));
    },
  },
};

describe("the right to push is not enough to change what is read or who reads it", () => {
  it.each(Object.keys(ATTACKS))("%s", async (name) => {
    const turn = Object.keys(ATTACKS).indexOf(name);
    const scene = await Scene.make();
    const { owner, alice } = scene;
    const { run, reads, code = "TAMPERED", readCode = code } = ATTACKS[name]!;
    await scene.push((vault) => run(vault, scene));

    // The state before is read; what was fetched is not taken over.
    const people = SLOW ? [owner, alice] : [turn % 2 === 0 ? owner : alice];
    for (const person of people) {
      expect(await person.pullAndRead()).toBe(VALUE);
      expect(await person.read()).toBe(VALUE);
    }
    await owner.expectRefused(code, { sync: PULL["sync --pull"]! });

    for (const person of new Set([owner, ...people])) person.takeUnseen();
    for (const person of people) {
      if (reads === "refused") await person.expectRefused(readCode, READ);
      else expect(await person.read()).toBe(VALUE);
    }
    // What was taken unseen is passed over for what was before it, as everybody has seen it on main; nothing is made of it.
    if (turn % 4 === 0) expect(await alice.pullAndRead()).toBe(VALUE);
    // With other settings, nothing was fetched for what is checked out: that a read does, and list does not.
    if (name === "other settings") await owner.expectRefused(code, OVERVIEW);
    else await owner.expectListedAsBefore();
    await owner.expectRefused(code, inTurn(CHANGE, turn));
    expect(verificationError((await verify(owner.context(), owner.vault)).findings)?.exitCode).toBe(5);
  });

  it("is said by the command line: with the state before, and in strict mode and on a change with exit code 5", async () => {
    const scene = await Scene.make();
    await scene.push((vault) => forge(vault, scene));
    const { alice, owner } = scene;
    const run = (person: typeof alice, words: readonly string[], strict = "0") =>
      scene.box.cli(words, { cwd: person.clone, env: { ...person.env, AGENT_VAULT_STRICT: strict }, input: "v" });
    const refused = async (person: typeof alice, words: readonly string[], strict?: string) => {
      const outcome = await run(person, words, strict);
      expect([words[0], errorCode(outcome), outcome.code, outcome.stdout.length]).toEqual([words[0], "TAMPERED", 5, 0]);
      expect(outcome.stderr).toContain("secrets/stripe");
    };
    await refused(owner, ["sync"]);
    for (const person of [alice, owner]) {
      person.takeUnseen();
      const outcome = await run(person, ["get", "stripe/api-key"]);
      expect([outcome.code, outcome.stdout.toString()]).toEqual([0, VALUE]);
      expect(outcome.stderr).toContain(scene.box.gitIn(person.clone, "rev-parse", "HEAD").slice(0, 12));
      for (const words of [["get", "stripe/api-key"], ["list"]]) await refused(person, words, "1");
      await refused(person, ["get", "stripe/api-key", "--no-pull"]);
    }
    for (const words of [
      ["set", "stripe/api-key"],
      ["grant", "alice", "db"],
    ])
      await refused(owner, words);
  });

  it("is seen by every command that signs or opens an escrow", async () => {
    const scene = await Scene.make();
    await scene.push((vault) => ATTACKS["an agent of her own in the manifest"]!.run(vault, scene));
    const { owner } = scene;
    owner.takeUnseen();
    const on = { vault: owner.vault };
    const context = owner.context();
    const keyOut = join(scene.box.root, "new.key");
    const doors: Record<string, Door> = {
      "add-agent": () => addAgent(context, { ...on, agent: "dave", keyOut }),
      "remove-agent": () => removeAgent(context, { ...on, agent: "alice" }),
      "recover-agent": () => recoverAgent(context, { ...on, agent: "alice", keyOut }),
      "restore-agent": () => restoreAgent(context, { ...on, agent: "alice", keyOut }),
      revoke: () => revoke(context, { ...on, agent: "alice", target: "stripe" }),
      move: () => move(context, { ...on, from: "stripe/api-key", to: "stripe/key" }),
      delete: () => deleteSecret(context, { ...on, path: "stripe/api-key" }),
      "set --keep-value": () => set(context, { ...on, path: "stripe/api-key", value: undefined, agents: ["alice"] }),
      "set --dry-run": () => set(context, { ...on, path: "stripe/api-key", value: Buffer.from("v"), dryRun: true }),
      "set, asking": () => set(context, { ...on, path: "stripe/api-key", value: () => Promise.reject(new Error("asked in vain")) }),
    };
    await owner.expectRefused("TAMPERED", doors);
  });

  it("nor by rules for git at the top of the repository, which are nobody's to sign", async () => {
    const scene = await Scene.make();
    await scene.push((vault) => {
      write(vault, "../.gitattributes", "[attr]binary text eol=crlf\n* text eol=crlf ident\n");
    });
    scene.owner.takeUnseen();
    await set(scene.owner.context(), { vault: scene.owner.vault, path: "stripe/api-key", value: Buffer.from("a\nb\n") });
    scene.box.git("push", "--quiet");
    expect(await scene.alice.pullAndRead()).toBe("a\nb\n");
    expect(await scene.newcomer(scene.alice.key).read()).toBe("a\nb\n");
  });

  it("nor by a vault that is gone or a link", async () => {
    for (const replace of [false, true]) {
      const scene = await Scene.make();
      await scene.push((vault) => {
        renameSync(vault, join(vault, "../elsewhere"));
        if (replace) symlinkSync("elsewhere", vault);
      });
      const { alice } = scene;
      expect([await alice.read(), await alice.pullAndRead()]).toEqual([VALUE, VALUE]);
      const before = alice.snapshot();
      const inStrictMode = { ...alice.context(), env: { ...alice.env, AGENT_VAULT_STRICT: "1" } };
      const options = { key: { keyFile: alice.key } };
      await alice.expectRefused("ROLLBACK", { strict: () => readSecret(inStrictMode, alice.vault, "stripe/api-key", options) });
      expect(alice.snapshot()).toEqual(before);
      alice.takeUnseen();
      const outcome = await scene.box.cli(["get", "stripe/api-key"], { cwd: alice.clone, env: alice.env });
      expect([outcome.code, errorCode(outcome), outcome.stdout.length]).toEqual(
        replace ? [5, "LINK_IN_VAULT", 0] : [3, "VAULT_NOT_FOUND", 0],
      );
    }
  });

  it("is over once its owner has taken it back, for those too who had taken it unseen", async () => {
    const scene = await Scene.make();
    const { recipient } = await malloryKey();
    await scene.push((vault) => {
      write(vault, "vault.lock", "garbage");
      write(vault, "agents/alice/public.key", recipient);
    });
    const { owner, alice } = scene;
    for (const person of [owner, alice]) person.takeUnseen();
    await alice.expectRefused("BAD_SIGNATURE", READ);
    scene.box.git("revert", "--no-edit", "HEAD");
    scene.box.git("push", "--quiet");
    expect(await alice.pullAndRead()).toBe(VALUE);
    expect(await scene.newcomer(alice.key).pullAndRead()).toBe(VALUE);
  });
});
