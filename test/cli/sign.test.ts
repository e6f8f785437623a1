import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { encrypt } from "#vault/age/encrypt.js";
import { parseHeader } from "#vault/age/header.js";
import { parseRecipient } from "#vault/age/recipient.js";
import { parseLock } from "#vault/lock/lock.js";
import { errorCode, prepared, type Sandbox } from "../support/sandbox.js";
import { makeVault } from "../support/vault.js";

const vault = prepared(async (box) => {
  await makeVault(box, { "stripe/api-key": "one", "db/url": "two" }, { ann: [], bob: ["stripe"] });
});

const lock = (box: Sandbox) => parseLock(readFileSync(join(box.vault, "vault.lock")));

function edit(box: Sandbox, file: string, change: (text: string) => string): void {
  const path = join(box.vault, file);
  writeFileSync(path, change(readFileSync(path, "utf8")));
}

/** The group for ann, past the owner. */
const grantByHand = (box: Sandbox) =>
  edit(box, "manifest.yaml", (text) => text.replace("- name: ann\n  groups: []", "- name: ann\n  groups:\n  - stripe"));

interface Proposal {
  readonly digest: string;
  readonly since: { readonly sequence: number };
  readonly difference: { readonly access: unknown[]; readonly recipients: unknown[]; readonly secrets: unknown; readonly files: string[] };
  readonly resealed: string[];
}

const proposal = async (box: Sandbox) => JSON.parse(await box.ok("sign", "--dry-run", "--json")) as Proposal;

describe("sign", () => {
  it("has nothing to do where all is signed", async () => {
    const box = await vault();
    const before = lock(box);
    expect(JSON.parse(await box.ok("sign", "--json"))).toEqual({});
    expect(lock(box)).toEqual(before);
  });

  it("shows what it would vouch for in terms of access, and takes no yes for another state", async () => {
    const box = await vault();
    grantByHand(box);
    const first = await proposal(box);
    expect(first).toMatchObject({
      since: { sequence: 6 },
      difference: {
        access: [{ agent: "ann", gains: ["stripe/api-key"], loses: [] }],
        recipients: [],
        secrets: { added: [], removed: [], changed: [] },
        files: ["manifest.yaml"],
      },
      resealed: ["stripe/api-key"],
    });
    const head = box.git("rev-parse", "HEAD");
    const unasked = await box.cli(["sign"]);
    expect([errorCode(unasked), unasked.code]).toEqual(["CONFIRMATION_REQUIRED", 6]);

    edit(box, "secrets/db/url.meta", (text) => `${text}description: x\n`);
    const other = await box.cli(["sign", "--yes", first.digest]);
    expect([errorCode(other), other.code]).toEqual(["CONFLICT", 7]);
    expect(box.git("rev-parse", "HEAD")).toBe(head);

    await box.ok("sign", "--yes", (await proposal(box)).digest);
    expect(lock(box)).toMatchObject({ sequence: 7 });
    expect((await box.cli(["get", "stripe/api-key", "--key", box.agentKey("ann")])).stdout.toString()).toBe("one");
    expect((await box.cli(["verify"])).code).toBe(0);
  });

  it("encrypts what was changed anew, for just the readers that the manifest names", async () => {
    const box = await vault();
    const file = join(box.vault, "secrets/stripe/api-key.enc");
    const recipients = ["owner.pub", "agents/bob/public.key", "agents/ann/public.key"].map((name) =>
      parseRecipient(readFileSync(join(box.vault, name), "utf8")),
    );
    writeFileSync(file, await encrypt(Buffer.from("changed"), recipients));
    expect(parseHeader(readFileSync(file)).stanzas).toHaveLength(3);
    expect((await proposal(box)).difference.secrets).toEqual({ added: [], removed: [], changed: ["stripe/api-key"] });
    await box.sign();
    expect(parseHeader(readFileSync(file)).stanzas).toHaveLength(2);
    expect((await box.cli(["get", "stripe/api-key", "--key", box.agentKey("bob")])).stdout.toString()).toBe("changed");
    expect(errorCode(await box.cli(["get", "stripe/api-key", "--key", box.agentKey("ann")]))).toBe("NOT_AUTHORIZED");
  });

  it("refuses an agent's key whose escrow holds another one, a secret that does not open, and another vault's id", async () => {
    for (const [change, code] of [
      [
        (box: Sandbox) => writeFileSync(join(box.vault, "agents/ann/public.key"), readFileSync(join(box.vault, "agents/bob/public.key"))),
        "DAMAGED",
      ],
      [(box: Sandbox) => writeFileSync(join(box.vault, "secrets/db/url.enc"), "no age file"), "DAMAGED"],
      [
        (box: Sandbox) => edit(box, "config.yaml", (text) => text.replace(/^id: .*$/m, "id: 00000000-0000-4000-8000-000000000000")),
        "WRONG_VAULT",
      ],
    ] as const) {
      const box = await vault();
      change(box);
      const head = box.git("rev-parse", "HEAD");
      const dry = await box.cli(["sign", "--dry-run", "--json"]);
      const digest = dry.code === 0 ? (JSON.parse(dry.stdout.toString()) as Proposal).digest : "none";
      expect(errorCode(await box.cli(["sign", "--yes", digest]))).toBe(code);
      expect(box.git("rev-parse", "HEAD")).toBe(head);
    }
  });

  it("takes an agent's key for no owner's", async () => {
    const box = await vault();
    grantByHand(box);
    expect(errorCode(await box.cli(["sign", "--dry-run", "--key", box.agentKey("bob")]))).toBe("NOT_AUTHORIZED");
  });
});

describe("sign --renew", () => {
  it("gives the state a while to be valid, which later changes keep, and changes nothing else", async () => {
    const box = await vault();
    const before = lock(box);
    await box.ok("sign", "--renew", "--valid-for", "30d");
    const renewed = lock(box);
    expect(renewed).toMatchObject({ sequence: before.sequence + 1, trees: before.trees });
    // The configuration lists the states behind, one more with each.
    const changedFiles = [...renewed.files].filter(([file, digest]) => before.files.get(file) !== digest);
    expect(changedFiles.map(([file]) => file)).toEqual(["config.yaml"]);
    expect(renewed.validUntil!.getTime() - renewed.signedAt.getTime()).toBe(30 * 86_400_000);
    await box.set("a/b", "c");
    const changed = lock(box);
    expect(changed.validUntil!.getTime() - changed.signedAt.getTime()).toBe(30 * 86_400_000);
    await box.ok("sign", "--renew", "--valid-for", "forever");
    expect(lock(box).validUntil).toBeUndefined();
    expect(errorCode(await box.cli(["sign", "--renew", "--valid-for", "soon"]))).toBe("INVALID_VALUE");
    expect(errorCode(await box.cli(["sign", "--valid-for", "30d"]))).toBe("USAGE");
  });
});
