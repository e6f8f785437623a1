import { describe, expect, it } from "vitest";
import { followedBy } from "#vault/trust/followed.js";
import { Sandbox } from "../../../support/sandbox.js";

describe("what a clone follows", () => {
  it.each(["origin", "team/shop", "a.b"])("has the default branch of the remote %s", (name) => {
    const box = new Sandbox();
    box.git("remote", "add", name, "https://git.example.com/shop.git");
    box.git("symbolic-ref", `refs/remotes/${name}/HEAD`, `refs/remotes/${name}/release/next`);
    expect(followedBy(box.context(), box.vault)).toMatchObject({ name, defaultRef: "refs/heads/release/next" });
  });
});
