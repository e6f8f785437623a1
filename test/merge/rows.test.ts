import { describe, expect, it } from "vitest";
import { keyOf, mergeModels, ModelVault, unseal, type Answers } from "./model-vault.js";

/** A vault with two owners, one agent in the group g, and the secrets g/p and h/other. */
function base(): ModelVault {
  return ModelVault.create("ana").addOwner("ben").set("g/p", "first").set("h/other", "other").addAgent("bot").grant("bot", "g");
}

/** What came of a merge, no matter who merged. */
function mergeBothWays(ours: ModelVault, theirs: ModelVault, answers: Answers = {}) {
  const [one, other] = [mergeModels(ours, theirs, answers), mergeModels(theirs, ours, answers)];
  expect(other.merged.questions).toEqual(one.merged.questions);
  expect(other.merged.notes).toEqual(one.merged.notes);
  expect(other.merged.encryptions).toEqual(one.merged.encryptions);
  if (one.merged.encryptions.length + one.merged.kept.length === 0) expect([...other.state.files]).toEqual([...one.state.files]);
  for (const path of one.state.secrets()) expectReadersOf(one.state, path);
  return one;
}

/** Everyone whom a file is encrypted to is a reader, and the other way round. */
function expectReadersOf(state: ModelVault, path: string): void {
  const recipients = state.state.recipientsOf(path as never).map(({ text }) => text);
  expect(state.ciphertext(path).to.toSorted()).toEqual(recipients.toSorted());
  expect(state.metadata(path).authorized_agents!.toSorted()).toEqual(state.readers(path));
}

const ids = (merged: { readonly questions: readonly { readonly id: string }[] }) => merged.questions.map(({ id }) => id);
const notes = (merged: { readonly notes: readonly { readonly kind: string; readonly subject: string }[] }) =>
  merged.notes.map(({ kind, subject }) => `${kind} ${subject}`);

describe("values", () => {
  it("set a / set b: both", () => {
    const start = base();
    const { merged, state } = mergeBothWays(start.set("g/a", "1"), start.set("g/b", "2"));
    expect(merged.questions).toEqual([]);
    expect([state.value("g/a"), state.value("g/b")]).toEqual(["1", "2"]);
    expect(state.readers("g/b")).toEqual(["bot"]);
  });

  it("set p / set p: a conflict, the chosen one gets the next version, and the other is kept for its owners", () => {
    const start = base();
    const [ours, theirs] = [start.set("g/p", "ours"), start.set("g/p", "theirs").set("g/p", "theirs again")];
    expect(ids(mergeBothWays(ours, theirs).merged)).toEqual(["value g/p"]);
    const { merged, state } = mergeBothWays(ours, theirs, { "value g/p": ours });
    expect(merged.questions).toEqual([]);
    expect(state.value("g/p")).toBe("ours");
    expect(state.metadata("g/p").version).toBe(4);
    const kept = `versions/g/p/3-${theirs.digest.slice(7, 15)}.enc`;
    expect(state.versions()).toEqual({ [kept]: "theirs again" });
    expect(unseal(state.text(kept)!)).toMatchObject({ to: [keyOf("ana#1"), keyOf("ben#1")] });
  });

  it("set p / set p with the same value: no conflict", () => {
    const start = base();
    const { merged, state } = mergeBothWays(start.set("g/p", "same"), start.set("g/p", "x").set("g/p", "same"));
    expect(merged.questions).toEqual([]);
    expect([state.value("g/p"), state.metadata("g/p").version]).toEqual(["same", 3]);
    expect(state.versions()).toEqual({});
  });

  it("two secrets made under one path: a conflict", () => {
    const start = base();
    const [ours, theirs] = [start.set("g/new", "ours"), start.set("g/new", "theirs")];
    const { merged, state } = mergeBothWays(ours, theirs, { "value g/new": theirs });
    expect(merged.questions).toEqual([]);
    expect([state.value("g/new"), Object.values(state.versions())]).toEqual(["theirs", ["ours"]]);
  });

  it("set / delete: the value stays, said, and is in none of the groups that it was taken out of", () => {
    const start = base();
    const { merged, state } = mergeBothWays(start.set("g/p", "new"), start.delete("g/p"));
    expect(notes(merged)).toContain("stays g/p");
    expect([state.value("g/p"), state.readers("g/p")]).toEqual(["new", []]);
    expect(notes(merged)).toContain("owed agent bot");
  });

  it("grant, revoke or metadata / delete: deleted", () => {
    const start = base().addAgent("dev");
    for (const ours of [start.grant("dev", "g/p"), start.revoke("bot", "g"), start.describe("g/p", { description: "x" })]) {
      const { merged, state } = mergeBothWays(ours, start.delete("g/p"));
      expect([merged.questions, state.secrets()]).toEqual([[], ["h/other"]]);
      expect(state.text("manifest.yaml")!.split("removed:")[0]).not.toContain("g/p");
    }
  });

  it("delete and make again / unchanged or set: what is new is there", () => {
    const start = base();
    const again = start.delete("g/p").set("g/p", "new secret");
    expect(mergeBothWays(again, start.set("h/other", "x")).state.value("g/p")).toBe("new secret");
    expect(ids(mergeBothWays(again, start.set("g/p", "set")).merged)).toEqual(["value g/p"]);
  });

  it("two names that differ in case only: one of them, and the other value is kept", () => {
    const start = base();
    const [ours, theirs] = [start.set("g/Key", "1"), start.set("g/key", "2")];
    const { merged } = mergeBothWays(ours, theirs);
    expect(ids(merged)).toEqual(["twin g/Key"]);
    const { state } = mergeBothWays(ours, theirs, { "twin g/Key": theirs });
    expect([state.secrets(), Object.values(state.versions())]).toEqual([["g/key", "g/p", "h/other"], ["1"]]);
    const moved = start.move("g/p", "g/Key");
    expect(Object.values(mergeBothWays(moved, theirs, { "twin g/Key": theirs }).state.versions())).toEqual(["first"]);
    const moving = mergeBothWays(moved, theirs, { "twin g/Key": moved }).state;
    expect([moving.secrets(), moving.value("g/Key"), Object.values(moving.versions())]).toEqual([["g/Key", "h/other"], "first", ["2"]]);
  });

  it("a folder, an agent or an owner whose name differs in case only: refused", () => {
    const start = base();
    const pairs = [
      [start.set("g/a/x", "1"), start.set("g/A/y", "2")],
      [start.addAgent("dev"), start.addAgent("Dev")],
      [start.addOwner("cem"), start.addOwner("Cem")],
    ] as const;
    for (const [ours, theirs] of pairs)
      for (const merge of [() => mergeModels(ours, theirs), () => mergeModels(theirs, ours)])
        expect(merge).toThrow(expect.objectContaining({ code: "CONFLICT" }));
    // Where one side has both already, nothing new is refused.
    expect(mergeBothWays(start.set("g/a/x", "1").set("g/A/y", "2"), start.set("g/z", "3")).merged.questions).toEqual([]);
  });
});

describe("moves", () => {
  it("set p / move p to q: the new value at q with q's readers, p gone", () => {
    const start = base().addAgent("dev").grant("dev", "h");
    const { merged, state } = mergeBothWays(start.set("g/p", "new"), start.move("g/p", "h/q"));
    expect(merged.questions).toEqual([]);
    expect(state.secrets()).toEqual(["h/other", "h/q"]);
    expect([state.value("h/q"), state.readers("h/q"), state.metadata("h/q").name]).toEqual(["new", ["dev"], "h/q"]);
    expect(merged.encryptions.find(({ name }) => name === "h/q")!.kind).toBe("re-encrypt");
    expect(notes(merged)).toContain("owed agent bot");
  });

  it("grant p / move p to q: granted at q", () => {
    const start = base().addAgent("dev");
    expect(mergeBothWays(start.grant("dev", "g/p"), start.move("g/p", "g/q")).state.readers("g/q")).toEqual(["bot", "dev"]);
  });

  it("move p to q / move p to r: a conflict, with one place in the end", () => {
    const start = base();
    const [ours, theirs] = [start.move("g/p", "g/q"), start.move("g/p", "h/r")];
    expect(ids(mergeBothWays(ours, theirs).merged)).toEqual(["move g/p"]);
    const { state } = mergeBothWays(ours, theirs, { "move g/p": ours });
    expect([state.secrets(), state.readers("g/q")]).toEqual([["g/q", "h/other"], ["bot"]]);
  });

  it("move p to q / the same: no conflict", () => {
    const start = base();
    const { merged, state } = mergeBothWays(start.move("g/p", "g/q"), start.move("g/p", "g/q").set("h/x", "1"));
    expect([merged.questions, state.secrets()]).toEqual([[], ["g/q", "h/other", "h/x"]]);
  });

  it("move to q / set q: a conflict; what is not chosen stays where it was, or is kept", () => {
    const start = base();
    const [ours, theirs] = [start.move("g/p", "h/q"), start.set("h/q", "rival")];
    expect(ids(mergeBothWays(ours, theirs).merged)).toEqual(["move h/q"]);
    const kept = mergeBothWays(ours, theirs, { "move h/q": theirs }).state;
    expect([kept.secrets(), kept.value("g/p"), kept.value("h/q"), kept.readers("g/p")]).toEqual([
      ["g/p", "h/other", "h/q"],
      "first",
      "rival",
      ["bot"],
    ]);
    const taken = mergeBothWays(ours, theirs.grant("bot", "h/q"), { "move h/q": ours }).state;
    expect([taken.secrets(), taken.value("h/q"), taken.readers("h/q"), Object.values(taken.versions())]).toEqual([
      ["h/other", "h/q"],
      "first",
      [],
      ["rival"],
    ]);
  });

  it("move p to q, which was deleted first / q as it was: q is what was moved; / set q: a conflict", () => {
    const start = base();
    const ours = start.delete("h/other").move("g/p", "h/other");
    const { merged, state } = mergeBothWays(ours, start.grant("bot", "h/other").set("g/x", "1"));
    expect(merged.questions).toEqual([]);
    expect([state.secrets(), state.value("h/other"), state.readers("h/other")]).toEqual([["g/x", "h/other"], "first", []]);
    const theirs = start.set("h/other", "new");
    expect(ids(mergeBothWays(ours, theirs).merged)).toEqual(["move h/other"]);
    expect(Object.values(mergeBothWays(ours, theirs, { "move h/other": ours }).state.versions())).toEqual(["new"]);
    const kept = mergeBothWays(ours, theirs, { "move h/other": theirs }).state;
    expect([kept.value("g/p"), kept.value("h/other")]).toEqual(["first", "new"]);
  });

  it("move p to q / move r to q: a conflict, and both values are there", () => {
    const start = base();
    const [ours, theirs] = [start.move("g/p", "g/q"), start.move("h/other", "g/q")];
    for (const winner of [ours, theirs]) {
      const { merged, state } = mergeBothWays(ours, theirs, { "move g/q": winner });
      expect(merged.questions).toEqual([]);
      expect(
        state
          .secrets()
          .map((path) => state.value(path)!)
          .toSorted(),
      ).toEqual(["first", "other"]);
      expect(state.value("g/q")).toBe(winner.value("g/q"));
    }
  });

  it("move / delete: a conflict; without an answer it stays at the new path", () => {
    const start = base();
    const [ours, theirs] = [start.move("g/p", "g/q"), start.delete("g/p")];
    const { merged, state } = mergeBothWays(ours, theirs);
    expect([ids(merged), state.secrets()]).toEqual([["move g/p"], ["g/q", "h/other"]]);
    expect(mergeBothWays(ours, theirs, { "move g/p": theirs }).state.secrets()).toEqual(["h/other"]);
  });
});

describe("access", () => {
  it("grant / revoke of one pair: revoked", () => {
    const start = base();
    expect(mergeBothWays(start.revoke("bot", "g").grant("bot", "g"), start.revoke("bot", "g")).state.readers("g/p")).toEqual([]);
    const extra = base().grant("bot", "h/other");
    const again = extra.revoke("bot", "h/other").grant("bot", "h/other");
    expect(mergeBothWays(again, extra.revoke("bot", "h/other")).state.readers("h/other")).toEqual([]);
  });

  it("grant g / set in g: the agent reads it", () => {
    const start = base().addAgent("dev");
    const { merged, state } = mergeBothWays(start.grant("dev", "g"), start.set("g/new", "1"));
    expect(state.readers("g/new")).toEqual(["bot", "dev"]);
    expect(merged.encryptions).toMatchObject([{ name: "g/new", kind: "add-recipients", recipients: [keyOf("dev#1")] }]);
  });

  it("revoke g / set in g: not a reader, a new file key, and owed", () => {
    const start = base();
    const { merged, state } = mergeBothWays(start.revoke("bot", "g"), start.set("g/p", "new").set("g/new", "1"));
    expect([state.readers("g/p"), state.readers("g/new"), state.value("g/p")]).toEqual([[], [], "new"]);
    expect(merged.encryptions.map(({ name, kind }) => [name, kind])).toEqual([
      ["g/new", "re-encrypt"],
      ["g/p", "re-encrypt"],
    ]);
    expect(merged.notes).toMatchObject([{ kind: "owed", subject: "agent bot", secrets: ["g/new", "g/p"] }]);
  });

  it("grant here / revoke of another there: the file key that the revoked one knows is not kept", () => {
    const start = base().addAgent("dev");
    const { merged, state } = mergeBothWays(start.grant("dev", "g"), start.revoke("bot", "g"));
    expect(state.readers("g/p")).toEqual(["dev"]);
    expect(state.ciphertext("g/p").fileKey).not.toBe(start.ciphertext("g/p").fileKey);
    expect(merged.encryptions).toMatchObject([{ name: "g/p", kind: "add-recipients" }]);
  });

  it("group list: add p / remove p: removed", () => {
    const start = base().list("h/other", "g");
    const { state } = mergeBothWays(start.unlist("h/other", "g"), start.unlist("h/other", "g").list("h/other", "g"));
    expect(state.readers("h/other")).toEqual([]);
  });

  it("remembers what agent-vault 0.2.0 removed", () => {
    const start = base();
    const revoked = start.by020((manifest) => manifest.leaveGroup("bot", "g"));
    const first = mergeBothWays(revoked, start.set("h/x", "1")).state;
    expect(first.text("manifest.yaml")).toContain("subject: agent:bot");
    const again = start.revoke("bot", "g").grant("bot", "g");
    expect(mergeBothWays(first, again).state.readers("g/p")).toEqual([]);
  });

  it("takes what agent-vault 0.2.0 granted again for granted", () => {
    const start = base().revoke("bot", "g");
    const granted = start.by020((manifest) => manifest.joinGroup("bot", "g"));
    expect(mergeBothWays(granted, start.set("h/x", "1")).state.readers("g/p")).toEqual(["bot"]);
  });

  it("a deletion beats listings and grants that have not seen it, until the secret is listed again", () => {
    const start = base().addAgent("dev").grant("dev", "h");
    const listed = start.list("g/p", "h").grant("dev", "g/p");
    const { state } = mergeBothWays(start.delete("g/p"), start.set("g/p", "new"));
    expect(state.state.manifest.removals.map(({ subject, object }) => [subject, object])).toContainEqual(["secret:g/p", undefined]);
    expect(mergeBothWays(state, listed).state.readers("g/p")).toEqual([]);
    const again = state.grant("bot", "g/p");
    expect(again.state.manifest.removals).not.toContainEqual(expect.objectContaining({ subject: "secret:g/p", object: undefined }));
    expect(mergeBothWays(again, listed).state.readers("g/p")).toEqual(["bot", "dev"]);
  });

  it("a deletion does not move with what another side made of the path", () => {
    const start = base().addAgent("dev").grant("dev", "h");
    const [deleted, moved] = [start.delete("g/p"), start.move("g/p", "h/q")];
    expect(mergeBothWays(deleted, moved, { "move g/p": moved }).state.readers("h/q")).toEqual(["dev"]);
    const by020 = start.by020((manifest, files) => {
      manifest.unlistSecret("g/p" as never);
      for (const file of ["secrets/g/p.enc", "secrets/g/p.meta"]) files.delete(file);
    });
    const { state } = mergeBothWays(by020, moved, { "move g/p": moved });
    expect(state.readers("h/q")).toEqual(["dev"]);
    expect(mergeBothWays(mergeBothWays(by020, start.set("g/p", "new")).state, start.list("g/p", "h")).state.readers("g/p")).toEqual([]);
  });

  it("leaves nothing of a deleted secret for one that is made under its name later", () => {
    const start = base();
    const { state } = mergeBothWays(start.grant("bot", "h/other"), start.delete("h/other"));
    expect(state.set("h/other", "new").readers("h/other")).toEqual([]);
  });
});

describe("agents", () => {
  it("remove-agent / grant, set or recover of it: removed with all its entries, and owed", () => {
    const start = base();
    const sides = [start.grant("bot", "h"), start.grant("bot", "h/other"), start.set("g/p", "new"), start.recoverAgent("bot", "bot#2")];
    for (const ours of sides) {
      const { merged, state } = mergeBothWays(ours, start.removeAgent("bot"));
      expect(merged.questions).toEqual([]);
      expect([state.state.manifest.agents.has("bot"), state.readers("g/p"), state.readers("h/other")]).toEqual([false, [], []]);
      expect(state.text("agents/bot/public.key")).toBeUndefined();
      expect(notes(merged).includes("owed agent bot")).toBe(ours.value("g/p") === "new");
    }
  });

  it("remove-agent and add-agent of X / grant of it: the new agent has none of the former one's grants", () => {
    const start = base();
    const [removed, granted] = [start.removeAgent("bot"), start.grant("bot", "h")];
    const again = removed.addAgent("bot", "bot#2").grant("bot", "h/other");
    const readers = (state: ModelVault) => [state.readers("g/p"), state.readers("h/other"), state.state.manifest.agents.get("bot")?.size];
    const first = mergeBothWays(removed, granted).state;
    for (const result of [mergeBothWays(again, granted), mergeBothWays(again, first)])
      expect(readers(result.state)).toEqual([[], ["bot"], 0]);
  });

  it("add-agent X / add-agent X with another key: a conflict, and never two keys", () => {
    const start = base();
    const [ours, theirs] = [start.addAgent("dev", "dev#1").grant("dev", "g"), start.addAgent("dev", "dev#2").grant("dev", "h")];
    expect(ids(mergeBothWays(ours, theirs).merged)).toEqual(["agent-key dev"]);
    const { state } = mergeBothWays(ours, theirs, { "agent-key dev": theirs });
    expect(state.ciphertext("g/p").to).toContain(keyOf("dev#2"));
    expect(state.ciphertext("g/p").to).not.toContain(keyOf("dev#1"));
    expect(unseal(state.text("agents/dev/private.key.escrow")!)).toMatchObject({ value: "identity of dev#2" });
  });

  it("recover X / recover X: a conflict; recover X / grant X: granted to the new key", () => {
    const start = base();
    expect(ids(mergeBothWays(start.recoverAgent("bot", "bot#2"), start.recoverAgent("bot", "bot#3")).merged)).toEqual(["agent-key bot"]);
    const { merged, state } = mergeBothWays(start.recoverAgent("bot", "bot#2"), start.grant("bot", "h"));
    expect(merged.questions).toEqual([]);
    expect(state.ciphertext("h/other").to).toEqual([keyOf("ana#1"), keyOf("ben#1"), keyOf("bot#2")]);
  });

  it("recover X / set in its group: a new file key, and the former key is owed", () => {
    const start = base();
    const { merged, state } = mergeBothWays(start.recoverAgent("bot", "bot#2"), start.set("g/p", "new"));
    expect(state.ciphertext("g/p").to).not.toContain(keyOf("bot#1"));
    expect(merged.encryptions).toMatchObject([{ name: "g/p", kind: "re-encrypt" }]);
    expect(notes(merged)).toEqual(["owed the former key of agent bot"]);
  });
});

describe("owners", () => {
  it("add-owner / anything: all is encrypted to the new owner", () => {
    const start = base();
    const { merged, state } = mergeBothWays(start.addOwner("cem"), start.set("g/new", "1").addAgent("dev"));
    expect(merged.questions).toEqual([]);
    for (const path of state.secrets()) expect(state.ciphertext(path).to).toContain(keyOf("cem#1"));
    expect(unseal(state.text("agents/dev/private.key.escrow")!)).toMatchObject({
      to: ["ana", "ben", "cem"].map((name) => keyOf(`${name}#1`)),
    });
    expect(state.signers.map(({ name }) => name)).toEqual(["ana", "ben", "cem"]);
  });

  it("add-owner N / add-owner N with another key: a conflict", () => {
    const start = base();
    const [ours, theirs] = [start.addOwner("cem", "cem#1"), start.addOwner("cem", "cem#2")];
    expect(ids(mergeBothWays(ours, theirs).merged)).toEqual(["owner-key cem"]);
    expect(mergeBothWays(ours, theirs, { "owner-key cem": ours }).state.ciphertext("g/p").to).toContain(keyOf("cem#1"));
  });

  it("remove-owner A / changes signed by A: removed, and the changes count only after a yes", () => {
    const start = base();
    const [ours, theirs] = [start.removeOwner("ben"), start.by("ben").set("g/p", "by ben")];
    const { merged, state } = mergeBothWays(ours, theirs);
    expect(ids(merged)).toEqual(["removed-owner ben"]);
    expect(state.value("g/p")).toBe("first");
    const taken = mergeBothWays(ours, theirs, { "removed-owner ben": theirs });
    expect([taken.state.value("g/p"), taken.state.signers.map(({ name }) => name)]).toEqual(["by ben", ["ana"]]);
    expect(taken.state.ciphertext("g/p").to).not.toContain(keyOf("ben#1"));
    expect(notes(taken.merged)).toContain("owed owner ben");
  });

  it("A removes B / B removes A: both removed where a third owner is left, else nothing is merged", () => {
    const start = base();
    const three = start.addOwner("cem");
    const { state } = mergeBothWays(three.removeOwner("ben").by("cem"), three.removeOwner("ana").by("cem"));
    expect(state.signers.map(({ name }) => name)).toEqual(["cem"]);
    expect(state.text("owner.pub")).toBe(keyOf("cem#1"));
    const merge = () => mergeModels(start.removeOwner("ben"), start.by("ben").removeOwner("ana"));
    expect(merge).toThrow(expect.objectContaining({ code: "CONFLICT" }));
  });

  it("rotate-owner / set: encrypted to the new key; of two rotations one is chosen; rotate-owner / remove-owner: removed", () => {
    const start = base();
    const rotated = start.rotateOwner("ben", "ben#2");
    const { merged, state } = mergeBothWays(rotated, start.set("g/p", "new"));
    expect(merged.questions).toEqual([]);
    expect(state.ciphertext("g/p").to).toEqual([keyOf("ana#1"), keyOf("ben#2"), keyOf("bot#1")]);
    expect(ids(mergeBothWays(rotated, start.rotateOwner("ben", "ben#3")).merged)).toEqual(["owner-key ben"]);
    expect(mergeBothWays(rotated, start.removeOwner("ben")).state.signers.map(({ name }) => name)).toEqual(["ana"]);
  });
});

describe("metadata", () => {
  it("one field on both sides: the stricter of environment, access and expires, else the later word", () => {
    const start = base().describe("g/p", { environment: "staging", access: "read-write", expires: "2027-01-01T00:00:00Z" });
    const ours = start.describe("g/p", { environment: "production", access: "read", expires: "2026-06-01T00:00:00Z", description: "ours" });
    const theirs = start
      .describe("g/p", { environment: "dev", access: "admin", expires: "2026-09-01T00:00:00Z", description: "x" })
      .describe("g/p", {
        description: "later",
        tags: ["a"],
      });
    const { merged, state } = mergeBothWays(ours, theirs);
    expect(merged.questions).toEqual([]);
    expect(state.metadata("g/p")).toMatchObject({
      environment: "production",
      access: "admin",
      expires: "2026-06-01T00:00:00Z",
      description: "later",
      tags: ["a"],
    });
  });

  it("set / metadata: both", () => {
    const start = base();
    const { state } = mergeBothWays(start.set("g/p", "new"), start.describe("g/p", { environment: "production" }));
    expect([state.value("g/p"), state.metadata("g/p")]).toMatchObject(["new", { environment: "production", version: 2 }]);
  });

  it("a field that is not known here: one side's is taken, and of two one is chosen", () => {
    const start = base();
    const unknown = (value: unknown) => start.describe("g/p", { later_field: value } as never);
    expect(mergeBothWays(unknown({ a: 1 }), start.describe("g/p", { description: "x" })).state.metadata("g/p")).toMatchObject({
      later_field: { a: 1 },
      description: "x",
    });
    expect(ids(mergeBothWays(unknown(1), unknown(2)).merged)).toEqual(["field later_field of g/p"]);
  });
});

describe("policy", () => {
  const policy = (...rules: string[]) => `version: 2 # the team's\nrules:\n${rules.map((rule) => `  - ${rule}\n`).join("")}`;
  const [deploy, deny] = [
    "{name: deploy, secrets: [g/*], allow: {agents: [bot]}}",
    "{name: no-prod, secrets: [h/*], deny: {agents: ['*']}}",
  ];

  it("rules by their names: both sides' changes, comments kept", () => {
    const start = base().write("policy.yaml", policy(deploy));
    const ours = start.write("policy.yaml", policy(deploy, deny));
    const theirs = start.write("policy.yaml", policy(deploy.replace("bot", "dev")));
    const { merged, state } = mergeBothWays(ours, theirs);
    expect(merged.questions).toEqual([]);
    expect(state.text("policy.yaml")).toContain("# the team's");
    expect(state.text("policy.yaml")).toContain("allow: { agents: [ dev ] }");
    expect(state.text("policy.yaml")).toContain("no-prod");
  });

  it("a rule that both changed is asked about, and one that one side removed is gone", () => {
    const start = base().write("policy.yaml", policy(deploy, deny));
    const widened = start.write("policy.yaml", policy(deploy.replace("[bot]", "['*']"), deny));
    const narrowed = start.write("policy.yaml", policy(deploy.replace("[g/*]", "[g/p]")));
    const { merged, state } = mergeBothWays(widened, narrowed);
    expect(ids(merged)).toEqual(['rule "deploy"']);
    expect(state.text("policy.yaml")).not.toContain("no-prod");
    expect(mergeBothWays(widened, narrowed, { 'rule "deploy"': narrowed }).state.text("policy.yaml")).toContain("g/p");
  });

  it("rules without a name by what they say, and a policy that one side deleted and the other changed", () => {
    const start = base().write("policy.yaml", policy("{secrets: [a/*]}"));
    const both = mergeBothWays(
      start.write("policy.yaml", policy("{secrets: [a/*]}", "{secrets: [b/*]}")),
      start.write("policy.yaml", policy("{secrets: [c/*]}")),
    );
    expect(both.state.text("policy.yaml")!.match(/[a-z]\/\*/g)).toEqual(expect.arrayContaining(["b/*", "c/*"]));
    expect(
      ids(mergeBothWays(start.write("policy.yaml", undefined), start.write("policy.yaml", policy("{secrets: [d/*]}"))).merged),
    ).toEqual(["file policy.yaml"]);
  });
});

describe("configuration and other files", () => {
  const CONFIG = "version: 1\nencryption:\n  format: age\nid: 0a0a0a0a-0000-4000-8000-000000000000\n";

  it("config by field: limits the smaller, else a conflict", () => {
    const start = base();
    const ours = start.write("config.yaml", `${CONFIG}settings:\n  max_value_bytes: 1000\n  pull_interval: 5\n`);
    const theirs = start.write("config.yaml", `${CONFIG}settings:\n  max_value_bytes: 2000\n  sync:\n    push: auto\n`);
    const { merged, state } = mergeBothWays(ours, theirs);
    expect(merged.questions).toEqual([]);
    expect(state.state.config.settings).toMatchObject({ max_value_bytes: 1000, pull_interval: 5, sync: { push: "auto" } });
    const other = start.write("config.yaml", `${CONFIG}settings:\n  sync:\n    push: manual\n`);
    expect(ids(mergeBothWays(theirs, other).merged)).toEqual(["setting settings.sync.push"]);
  });

  it("two vaults are never merged", () => {
    const start = base();
    const other = start.write("config.yaml", CONFIG.replace("0a0a", "0b0b"));
    expect(() => mergeModels(start.set("g/x", "1"), other)).toThrow(expect.objectContaining({ code: "WRONG_VAULT" }));
  });

  it("fields of the manifest that are not known here, and lines of .gitignore, from the side that has them", () => {
    const start = base();
    const manifest = start.text("manifest.yaml")!;
    const ours = start.write("manifest.yaml", `${manifest}later_field: 1\n`).write(".gitignore", "a\nb\n");
    const theirs = start
      .write("manifest.yaml", manifest.replace("name: bot\n", "name: bot\n  use_only:\n  - h\n"))
      .write(".gitignore", "a\nc\n");
    const { state } = mergeBothWays(ours, theirs.addAgent("dev"));
    expect(state.text("manifest.yaml")).toMatch(/use_only:\n {2}- h\n[^]*later_field: 1\n/);
    expect(new Set(state.text(".gitignore")!.trim().split("\n"))).toEqual(new Set(["a", "b", "c"]));
  });

  it("keeps a version with its secret, encrypts it to new owners, and drops it with the secret", () => {
    const start = base();
    const [ours, theirs] = [start.set("g/p", "ours"), start.set("g/p", "theirs")];
    const { state } = mergeModels(ours, theirs, { "value g/p": ours });
    const moved = mergeBothWays(state.move("g/p", "h/q"), state.addOwner("cem")).state;
    const [file] = Object.keys(moved.versions());
    expect(file).toMatch(/^versions\/h\/q\/2-/);
    expect(unseal(moved.text(file!)!)).toMatchObject({ value: "theirs", to: expect.arrayContaining([keyOf("cem#1")]) });
    expect(mergeBothWays(state.delete("g/p"), state.set("h/x", "1")).state.versions()).toEqual({});
  });

  it("cuts no version that is new, and of the others all but those that the setting keeps", () => {
    const conflict = (from: ModelVault, value: string) => {
      const [ours, theirs] = [from.set("g/p", `${value}, chosen`), from.set("g/p", `${value}, kept`)];
      return mergeBothWays(ours, theirs, { "value g/p": ours }).state;
    };
    const [first, second] = [
      conflict(base(), "first"),
      conflict(base().write("config.yaml", `${CONFIG}settings:\n  keep_versions: 2\n`), "first"),
    ];
    expect(Object.values(mergeBothWays(first.set("g/a", "1"), first.set("g/b", "2")).state.versions())).toEqual(["first, kept"]);
    expect(Object.values(conflict(first, "second").versions())).toEqual(["second, kept"]);
    expect(Object.values(conflict(second, "second").versions()).toSorted()).toEqual(["first, kept", "second, kept"]);
  });
});

describe("a base that is not here", () => {
  it("leaves the access that both sides give and all secrets, and asks", () => {
    const start = base();
    const [ours, theirs] = [start.addAgent("dev").grant("dev", "g").set("g/a", "1"), start.revoke("bot", "g").set("g/b", "2")];
    const { merged, state } = mergeModels(ours, theirs, {}, { states: [], isComplete: false });
    expect(merged.questions.map(({ kind }) => kind)).toContain("base");
    expect([state.secrets(), state.readers("g/p")]).toEqual([["g/a", "g/b", "g/p", "h/other"], []]);
  });
});
