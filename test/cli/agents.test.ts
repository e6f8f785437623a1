import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import type { RecipientKind } from "#vault/index.js";
import { errorCode, prepared, refusal, type Sandbox } from "../support/sandbox.js";
import { makeVault } from "../support/vault.js";

const SECRETS = { "stripe/api-key": "sk", "stripe/webhook": "wh", "db/url": "url" };
const vaultWithAgents = prepared((box, kind: RecipientKind = "x25519") =>
  makeVault(box, SECRETS, { ann: ["stripe"], bob: ["stripe"] }, { kind }),
);

async function reads(box: Sandbox, key: string, path: string): Promise<string | undefined> {
  const outcome = await box.cli(["get", path, "--key", key]);
  if (outcome.code === 0) return outcome.stdout.toString();
  expect(errorCode(outcome)).toBe("NOT_AUTHORIZED");
  return undefined;
}

describe("an agent's life", () => {
  it("is granted one secret, and keeps it when another agent loses the group", async () => {
    const box = await vaultWithAgents();
    await box.addAgent("cy", "stripe/api-key");
    await box.ok("revoke", "ann", "stripe");
    expect(await reads(box, box.agentKey("cy"), "stripe/api-key")).toBe("sk");
    expect(await reads(box, box.agentKey("cy"), "stripe/webhook")).toBeUndefined();
    expect(await reads(box, box.agentKey("ann"), "stripe/api-key")).toBeUndefined();
    expect(await reads(box, box.agentKey("bob"), "stripe/api-key")).toBe("sk");
    await box.ok("revoke", "cy", "stripe/api-key");
    expect(await reads(box, box.agentKey("cy"), "stripe/api-key")).toBeUndefined();
  });

  it("reads nothing by a group after it lost it, not even by an extra grant on one of its secrets", async () => {
    const box = await vaultWithAgents();
    await box.ok("set", "stripe/webhook", "--keep-value", "--agents", "ann");
    await box.grant("ann", "stripe/api-key");
    const { secrets } = JSON.parse(await box.ok("revoke", "ann", "stripe", "--json")) as { secrets: string[] };
    expect(secrets).toContain("stripe/api-key");
    for (const path of ["stripe/api-key", "stripe/webhook"]) expect(await reads(box, box.agentKey("ann"), path)).toBeUndefined();
  });

  it("is told which secrets it still reads by another group", async () => {
    const box = await vaultWithAgents();
    await box.ok("set", "db/url", "--keep-value", "--group", "stripe");
    await box.grant("ann", "db");
    const revoked = JSON.parse(await box.ok("revoke", "ann", "stripe", "--json")) as { secrets: string[]; stillRead: unknown };
    expect(revoked.secrets).toEqual(["stripe/api-key", "stripe/webhook"]);
    expect(revoked.stillRead).toEqual([{ secret: "db/url", groups: ["db"] }]);
    expect(await reads(box, box.agentKey("ann"), "db/url")).toBe("url");
  });

  it("ends with remove-agent: no current file opens, its key file is put aside", async () => {
    const box = await vaultWithAgents();
    await box.ok("set", "db/url", "--keep-value", "--agents", "ann");
    const removed = JSON.parse(await box.ok("remove-agent", "ann", "--json")) as { secrets: string[]; retiredKeyFile: string };
    expect(removed.secrets).toEqual(["db/url", "stripe/api-key", "stripe/webhook"]);
    expect(existsSync(box.agentKey("ann"))).toBe(false);
    for (const path of removed.secrets) expect(await reads(box, removed.retiredKeyFile, path)).toBeUndefined();
    expect(existsSync(join(box.vault, "agents/ann"))).toBe(false);
    expect(entries(box)).not.toContain("ann");
    expect(JSON.parse((await box.cli(["check", "--json"])).stdout.toString())).toEqual({ errors: [], warnings: [], findings: [] });
    await box.addAgent("ann");
    for (const path of removed.secrets) expect(await reads(box, box.agentKey("ann"), path)).toBeUndefined();
  });

  it("gets a new key with recover-agent, and the old one opens nothing", async () => {
    const box = await vaultWithAgents();
    const recovered = JSON.parse(await box.ok("recover-agent", "ann", "--json")) as { retiredKeyFile: string; keyFile: string };
    expect(recovered.keyFile).toBe(box.agentKey("ann"));
    expect(await reads(box, recovered.retiredKeyFile, "stripe/api-key")).toBeUndefined();
    expect(await reads(box, box.agentKey("ann"), "stripe/api-key")).toBe("sk");
    expect(statSync(box.agentKey("ann")).mode & 0o777).toBe(0o600);
  });

  it("gets its own key again with restore-agent on a new machine", async () => {
    const box = await vaultWithAgents();
    const home = join(box.root, "new-machine");
    const outcome = await box.cli(["restore-agent", "ann", "--key", box.ownerKey], { env: { HOME: home } });
    expect(outcome.code).toBe(0);
    expect(await reads(box, join(home, ".agent-vault/agents/ann.key"), "stripe/api-key")).toBe("sk");
    expect(box.git("status", "--porcelain")).toBe("");
    const again = await box.cli(["restore-agent", "ann", "--key", box.ownerKey], { env: { HOME: home } });
    expect(again.code).toBe(0);
    expect(readdirSync(join(home, ".agent-vault/agents"))).toEqual(["ann.key"]);
    const taken = await box.cli(["restore-agent", "ann", "--to", box.agentKey("bob")]);
    expect(refusal(taken)).toEqual(["ALREADY_EXISTS", 7]);
  });

  it("leaves alone the key that another vault's agent of its name has at home", async () => {
    const box = await vaultWithAgents();
    const other = join(box.root, "other");
    await box.ok("init", other, "--no-hook");
    expect((await box.cli(["-C", other, "set", "stripe/api-key"], { input: "theirs" })).code).toBe(0);
    const made = await box.cli(["-C", other, "add-agent", "ann", "--json"]);
    const { keyFile } = JSON.parse(made.stdout.toString()) as { keyFile: string };
    const id = /^id: (.{8})/m.exec(readFileSync(join(other, ".agent-vault/config.yaml"), "utf8"))![1]!;
    expect(keyFile).toBe(box.agentKey(`ann-${id}`));
    expect(made.stderr).toContain(box.agentKey("ann"));
    await box.ok("-C", other, "grant", "ann", "stripe");
    const readsTheirs = () => box.cli(["-C", other, "get", "stripe/api-key", "--key", keyFile]).then(({ stdout }) => stdout.toString());
    expect(await readsTheirs()).toBe("theirs");

    const first = readFileSync(box.agentKey("ann"));
    const recovered = JSON.parse(await box.ok("-C", other, "recover-agent", "ann", "--json")) as { retiredKeyFile: string };
    expect(recovered).toMatchObject({ keyFile });
    expect(recovered.retiredKeyFile).toContain(keyFile);
    expect(await readsTheirs()).toBe("theirs");
    expect(JSON.parse(await box.ok("-C", other, "restore-agent", "ann", "--json"))).toMatchObject({ keyFile, present: true });
    rmSync(keyFile);
    expect(JSON.parse(await box.ok("-C", other, "restore-agent", "ann", "--json"))).toMatchObject({ keyFile, present: false });
    await box.ok("-C", other, "remove-agent", "ann");
    expect(existsSync(keyFile)).toBe(false);
    expect(readFileSync(box.agentKey("ann"))).toEqual(first);
    expect(await reads(box, box.agentKey("ann"), "stripe/api-key")).toBe("sk");
  });

  it("is known by its key at home where the file does not say its vault", async () => {
    const box = await vaultWithAgents();
    writeFileSync(box.agentKey("ann"), readFileSync(box.agentKey("ann"), "utf8").replaceAll(/^#.*\n/gm, ""));
    writeFileSync(box.agentKey("bob"), readFileSync(box.ownerKey, "utf8").replaceAll(/^#.*\n/gm, ""));
    await box.ok("remove-agent", "ann");
    expect(existsSync(box.agentKey("ann"))).toBe(false);
    await box.ok("remove-agent", "bob");
    expect(existsSync(box.agentKey("bob"))).toBe(true);
  });

  it("changes nothing on --dry-run, and says what would change", async () => {
    const box = await vaultWithAgents();
    await box.addAgent("cy");
    const head = box.git("rev-parse", "HEAD");
    const keys = readdirSync(dirname(box.ownerKey), { recursive: true, encoding: "utf8" }).toSorted();
    expect(JSON.parse(await box.ok("grant", "cy", "stripe", "--dry-run", "--json"))).toMatchObject({
      dry_run: true,
      secrets: ["stripe/api-key", "stripe/webhook"],
    });
    expect(JSON.parse(await box.ok("revoke", "ann", "stripe", "--dry-run", "--json"))).toMatchObject({
      secrets: ["stripe/api-key", "stripe/webhook"],
    });
    for (const args of [
      ["remove-agent", "ann"],
      ["recover-agent", "ann"],
      ["add-agent", "new"],
      ["delete", "db/url"],
      ["move", "db/url", "db/dsn"],
    ])
      await box.ok(...args, "--dry-run");
    expect(box.git("rev-parse", "HEAD")).toBe(head);
    expect(box.git("status", "--porcelain")).toBe("");
    expect(readdirSync(dirname(box.ownerKey), { recursive: true, encoding: "utf8" }).toSorted()).toEqual(keys);
  });

  it("does nothing, and makes no commit, where nothing changes", async () => {
    const box = await vaultWithAgents();
    const head = box.git("rev-parse", "HEAD");
    expect(JSON.parse(await box.ok("grant", "ann", "stripe", "--json"))).toMatchObject({ secrets: [], already: true });
    expect(JSON.parse(await box.ok("grant", "ann", "stripe/api-key", "--json"))).toMatchObject({ secrets: [], already: true });
    expect(box.git("rev-parse", "HEAD")).toBe(head);
  });

  it("keeps a secret that it reads by a group where that one secret is to be revoked, and is told so", async () => {
    const box = await vaultWithAgents();
    const outcome = await box.cli(["revoke", "ann", "stripe/api-key"]);
    expect(refusal(outcome)).toEqual(["NOT_GRANTED", 3]);
    expect(outcome.stderr).toContain("agent-vault revoke ann stripe");
  });

  it("does not inherit what the manifest still grants to an earlier agent of its name", async () => {
    const box = await vaultWithAgents();
    await box.addAgent("cy", "db/url");
    const manifest = join(box.vault, "manifest.yaml");
    writeFileSync(manifest, readFileSync(manifest, "utf8").replace(/- name: cy\n {2}groups: \[\]\n/, ""));
    await box.sign();
    const outcome = await box.cli(["add-agent", "cy", "--out", join(box.root, "cy.key")]);
    expect([outcome.code, outcome.stderr.includes("db/url")]).toEqual([0, true]);
    await box.set("db/url", "new");
    expect(await reads(box, join(box.root, "cy.key"), "db/url")).toBeUndefined();
    expect(readFileSync(manifest, "utf8")).not.toMatch(/db\/url:/);
  });

  it("is post-quantum where its owner is, all the way", async () => {
    const box = await vaultWithAgents("post-quantum");
    expect(readFileSync(join(box.vault, "agents/ann/public.key"), "utf8")).toMatch(/^age1pq1/);
    expect(await reads(box, box.agentKey("ann"), "stripe/api-key")).toBe("sk");
    await box.ok("revoke", "ann", "stripe");
    expect(await reads(box, box.agentKey("ann"), "stripe/api-key")).toBeUndefined();
    expect(await reads(box, box.ownerKey, "stripe/api-key")).toBe("sk");
    expect(JSON.parse((await box.cli(["check", "--json"])).stdout.toString())).toMatchObject({
      findings: [{ kind: "agent-without-access" }],
    });
  });

  it("never gets a file for keys of two kinds", async () => {
    const box = await vaultWithAgents();
    const { generateIdentity } = await import("#vault/index.js");
    box.write(".agent-vault/agents/ann/public.key", await (await generateIdentity("post-quantum")).recipient());
    const head = box.git("rev-parse", "HEAD");
    expect(errorCode(await box.cli(["set", "stripe/api-key"], { input: "new" }))).toBe("TAMPERED");
    expect(errorCode(await box.cli(["sign", "--dry-run"]))).toBe("DAMAGED");
    rmSync(join(box.vault, "agents/ann/private.key.escrow"));
    const { digest } = JSON.parse(await box.ok("sign", "--dry-run", "--json")) as { digest: string };
    expect(errorCode(await box.cli(["sign", "--yes", digest]))).toBe("MIXED_RECIPIENTS");
    expect(box.git("rev-parse", "HEAD")).toBe(head);
  });
});

describe("moving and deleting", () => {
  it("moves a secret with its attributes, to the new group's agents where the group changes", async () => {
    const box = await vaultWithAgents();
    await box.ok("set", "stripe/api-key", "--keep-value", "--description", "kept");
    await box.grant("bob", "db");
    const inGroup = JSON.parse(await box.ok("move", "stripe/webhook", "stripe/hook", "--json"));
    expect(inGroup).toMatchObject({ gained: [], lost: [], groups: ["stripe"] });
    expect(await reads(box, box.agentKey("ann"), "stripe/hook")).toBe("wh");
    expect(JSON.parse(await box.ok("move", "stripe/api-key", "db/stripe-key", "--json"))).toMatchObject({
      gained: [],
      lost: ["ann"],
      groups: ["db"],
    });
    expect(await reads(box, box.agentKey("ann"), "db/stripe-key")).toBeUndefined();
    expect(await reads(box, box.agentKey("bob"), "db/stripe-key")).toBe("sk");
    expect(errorCode(await box.cli(["get", "stripe/api-key"]))).toBe("SECRET_NOT_FOUND");
    const moved = (JSON.parse(await box.ok("list", "--json")) as { name: string }[]).find(({ name }) => name === "db/stripe-key");
    expect(moved).toMatchObject({ description: "kept", group: "db", version: 1 });
    expect(JSON.parse((await box.cli(["check", "--json"])).stdout.toString())).toEqual({ errors: [], warnings: [], findings: [] });
  });

  it("may change a name's case where no other name is in the way", async () => {
    const box = await vaultWithAgents();
    await box.ok("move", "stripe/webhook", "stripe/Webhook");
    expect(await reads(box, box.agentKey("ann"), "stripe/Webhook")).toBe("wh");
    for (const path of ["Stripe/Webhook", "Stripe/hook"])
      expect(errorCode(await box.cli(["move", "stripe/Webhook", path]))).toBe("ALREADY_EXISTS");
  });

  it("deletes a secret from every list", async () => {
    const box = await vaultWithAgents();
    await box.ok("set", "db/url", "--keep-value", "--agents", "ann");
    await box.ok("delete", "db/url");
    expect(entries(box)).not.toContain("db/url");
    expect(existsSync(join(box.vault, "secrets/db"))).toBe(false);
    expect(JSON.parse((await box.cli(["check", "--json"])).stdout.toString())).toEqual({ errors: [], warnings: [], findings: [] });
  });
});

describe("peek", () => {
  it("says the same of every value", async () => {
    const box = await vaultWithAgents();
    await box.set("db/long", "x".repeat(10_000));
    await box.set("db/empty", "");
    const outputs = await Promise.all(["stripe/api-key", "db/long", "db/empty"].map((path) => box.ok("peek", path)));
    expect(new Set(outputs).size).toBe(1);
  });
});

/** What the manifest says, without what it remembers of removals. */
function entries(box: Sandbox): string {
  return readFileSync(join(box.vault, "manifest.yaml"), "utf8").split("\nremoved:")[0]!;
}
