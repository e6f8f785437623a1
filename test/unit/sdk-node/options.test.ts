import { expect, it } from "vitest";
import { Vault } from "#sdk-node/index.js";
import { agentsMachines } from "./agents-machine.js";

const grantedVault = agentsMachines();

it.each([
  ["a misspelt option", { keypath: "x" }, /Did you mean keyPath\?/],
  ["an option of 0.1's Python", { auto_pull: false }, /There is no option/],
  ["a key that was meant and is not there", { keyStr: undefined }, /keyStr/],
  ["a key file that was meant and is not there", { keyPath: undefined }, /keyPath/],
  ["no key in place of one", { keyPath: null }, /keyPath/],
  ["an empty key", { keyStr: "" }, /keyStr/],
  ["a key of another type", { keyStr: Buffer.from("x") }, /keyStr/],
  ["a path as a URL object", { repoPath: new URL("file:///tmp") }, /repoPath/],
  ["text for a boolean", { autoPull: "false" }, /autoPull/],
  ["text for a number", { passphraseFd: "3" }, /passphraseFd/],
])("refuses %s, and reads with no other key", async (_, wrong, message) => {
  const { options } = await grantedVault();
  const make = () => new Vault({ repoPath: options.repoPath, ...wrong } as never);
  expect(make).toThrowError(message);
  expect(make).toThrowError(expect.objectContaining({ code: "USAGE" }));
});

it("takes a key file that is not there beside a key that is, and refuses the other way round", async () => {
  const { options } = await grantedVault();
  const { readFileSync } = await import("node:fs");
  const keyStr = readFileSync(options.keyPath, "utf8");
  expect(await new Vault({ ...options, keyPath: undefined, keyStr }).get("stripe/api-key")).toBe("sk_1");
  expect(() => new Vault({ ...options, keyStr: undefined })).toThrowError(/keyStr/);
});

it.each([{ intervall: 5 }, { persistent: "no" }, { signal: {} }])("refuses %j for a watch", async (wrong) => {
  const { options } = await grantedVault();
  await expect(new Vault(options).watch("stripe/api-key", () => {}, wrong as never)).rejects.toMatchObject({ code: "USAGE" });
});
