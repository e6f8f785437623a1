import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { ALLOW_FILE, allowFindings, scanFiles, scanIndex, scanStaged } from "@agent-vault/hooks";
import { ageIdentity } from "./keys.js";
import { TestRepository } from "./repository.js";

let identity: string;
let other: string;
beforeAll(async () => {
  identity = await ageIdentity();
  other = await ageIdentity();
});

test("a test key is allowed by its fingerprint, wherever it is, and no other key is", async () => {
  using repository = new TestRepository();
  repository.stage("fixtures/a.key", identity);
  repository.stage("fixtures/b.json", JSON.stringify({ key: `${identity}\n` }));
  const found = await scanStaged(repository.context, repository.root);
  const result = await allowFindings(repository.context, repository.path("fixtures"), found);
  expect(result).toMatchObject({ file: repository.path(ALLOW_FILE), allowed: found, refused: [] });
  expect(repository.read(ALLOW_FILE).toString()).toBe(`sha256:${found[0]!.fingerprint}  age-identity in fixtures/a.key\n`);

  repository.git("add", ALLOW_FILE);
  repository.stage("real.key", other);
  expect((await scanStaged(repository.context, repository.root)).map(({ file }) => file)).toEqual(["real.key"]);
  expect((await scanIndex(repository.context, repository.root)).map(({ file }) => file)).toEqual(["real.key"]);
});

test("the hook reads the allow file from the index, a scan of files from the disk", async () => {
  using repository = new TestRepository();
  repository.stage("a.key", identity);
  await allowFindings(repository.context, repository.root, await scanStaged(repository.context, repository.root));
  expect(await scanStaged(repository.context, repository.root)).toHaveLength(1);
  expect(await scanFiles(repository.context, ["a.key"])).toEqual([]);

  repository.git("add", ALLOW_FILE);
  repository.write(ALLOW_FILE, "");
  expect(await scanStaged(repository.context, repository.root)).toEqual([]);
  expect(await scanFiles(repository.context, ["a.key"])).toHaveLength(1);
});

test("a stray file is allowed by its exact path, however it is called", async () => {
  using repository = new TestRepository();
  const names = [".agent-vault/README.md", ".agent-vault/two\nlines", ' .agent-vault/"quoted" '.trim(), ".agent-vault/with space"];
  for (const name of names) repository.stageBlob(name, "x");
  const found = await scanStaged(repository.context, repository.root);
  expect(found).toHaveLength(names.length);
  await allowFindings(repository.context, repository.root, found);
  repository.git("add", ALLOW_FILE);
  repository.stageBlob(".agent-vault/README.md.bak", "x");
  expect((await scanStaged(repository.context, repository.root)).map(({ file }) => file)).toEqual([".agent-vault/README.md.bak"]);
});

test("what is not encrypted, and a link, cannot be allowed", async () => {
  using repository = new TestRepository();
  repository.stage(".agent-vault/secrets/a/b.enc", "plain");
  repository.stageBlob(".agent-vault/owner.pub", "x", "120000");
  const found = (await scanStaged(repository.context, repository.root)).filter(({ kind }) => kind !== "stray-in-vault");
  const result = await allowFindings(repository.context, repository.root, found);
  expect(result).toMatchObject({ allowed: [], refused: found });
  expect(repository.exists(ALLOW_FILE)).toBe(false);
  repository.stage(ALLOW_FILE, found.map(({ file }) => `path:${file}\n`).join(""));
  expect((await scanStaged(repository.context, repository.root)).map(({ kind }) => kind)).toEqual(["link-in-vault", "not-encrypted"]);
});

test("a key in a stray file is not allowed with the file", async () => {
  using repository = new TestRepository();
  repository.stage(".agent-vault/x", identity);
  repository.stage(ALLOW_FILE, "path:.agent-vault/x\n");
  expect((await scanStaged(repository.context, repository.root)).map(({ kind }) => kind)).toEqual(["age-identity"]);
});

test("what a person wrote in the allow file stays, and nothing is entered twice", async () => {
  using repository = new TestRepository();
  repository.stage("a.key", identity);
  const found = await scanStaged(repository.context, repository.root);
  const mine = `# keys of our fixtures\n\nSHA256:nonsense\nsha256:12\n  sha256:${"0".repeat(64)}\tanother`;
  repository.write(ALLOW_FILE, mine);
  await allowFindings(repository.context, repository.root, found);
  await allowFindings(repository.context, repository.root, found);
  expect(repository.read(ALLOW_FILE).toString()).toBe(`${mine}\nsha256:${found[0]!.fingerprint}  age-identity in a.key\n`);
});

test("nothing is written through a link", async () => {
  using repository = new TestRepository();
  repository.stage("a.key", identity);
  const target = join(repository.base, "target");
  writeFileSync(target, "mine\n");
  symlinkSync(target, repository.path(ALLOW_FILE));
  const found = await scanStaged(repository.context, repository.root);
  await expect(allowFindings(repository.context, repository.root, found)).rejects.toMatchObject({ code: "LINK_IN_VAULT" });
  expect(readFileSync(target, "utf8")).toBe("mine\n");
});
