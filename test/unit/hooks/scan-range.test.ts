import { beforeAll, describe, expect, test } from "vitest";
import { ALLOW_FILE, scanRange, type ScanFinding } from "@agent-vault/hooks";
import { ageIdentity, pemKeys } from "./keys.js";
import { TestRepository } from "./repository.js";

let identity: string;
let pem: string;
beforeAll(async () => {
  identity = await ageIdentity();
  pem = pemKeys()["PKCS #8 EC"]!;
});

const range = (repository: TestRepository, words: string): Promise<ScanFinding[]> => scanRange(repository.context, repository.root, words);
const brief = (findings: readonly ScanFinding[]): unknown[] => findings.map(({ file, line, kind, commit }) => [file, line, kind, commit]);
const commit = (repository: TestRepository, message = "change"): string => {
  repository.git("commit", "--quiet", "--no-verify", "--allow-empty", "-m", message);
  return repository.git("rev-parse", "HEAD").trim();
};

describe("a range of commits", () => {
  test("has the key that a later commit removes again, with the commit that brought it", async () => {
    using repository = new TestRepository();
    repository.stage("a.txt", "clean\n");
    const base = commit(repository);
    repository.stage("a.txt", `x\n${identity}\n`);
    const bad = commit(repository);
    repository.stage("a.txt", "clean\n");
    commit(repository);
    const found = await range(repository, `${base}..HEAD`);
    expect(brief(found)).toEqual([["a.txt", 2, "age-identity", bad]]);
    expect(found[0]!.message).toContain(bad.slice(0, 10));
    expect(found[0]!.message).not.toContain(identity.slice(20, 30));
    expect(await range(repository, `${bad}..`)).toEqual([]);
  });

  test("has the messages of its commits, with the line, and of a merge too", async () => {
    using repository = new TestRepository();
    repository.stage("a.txt", "clean\n");
    const base = commit(repository);
    repository.git("checkout", "--quiet", "-b", "side");
    const first = commit(repository, `subject\n\nIt is\n${identity}\n`);
    repository.git("checkout", "--quiet", "-");
    commit(repository);
    repository.git("merge", "--quiet", "--no-ff", "-m", `merged\n\n${pem}`, "side");
    const merge = repository.git("rev-parse", "HEAD").trim();
    const found = brief(await range(repository, `${base}..HEAD`));
    expect(found).toHaveLength(2);
    expect(found).toContainEqual(["", 4, "age-identity", first]);
    expect(found).toContainEqual(["", 3, "private-key-pem", merge]);
  });

  test("has what a merge alone brings, at each path, and not what its base has", async () => {
    using repository = new TestRepository();
    repository.stage("old.txt", identity);
    const base = commit(repository);
    repository.git("checkout", "--quiet", "-b", "side");
    repository.stage("b.txt", "b\n");
    commit(repository);
    repository.git("checkout", "--quiet", "-");
    repository.stage("c.txt", "c\n");
    commit(repository);
    repository.git("merge", "--quiet", "--no-ff", "--no-commit", "side");
    repository.stage("evil.txt", pem);
    const merge = commit(repository, "merge");
    expect(brief(await range(repository, `${base}..HEAD`))).toEqual([["evil.txt", 1, "private-key-pem", merge]]);
    repository.git("mv", "old.txt", "new.txt");
    const moved = commit(repository);
    expect(brief(await range(repository, `${merge}..HEAD`))).toEqual([["new.txt", 1, "age-identity", moved]]);
  });

  test("takes the allow file of its base alone", async () => {
    using repository = new TestRepository();
    repository.stage("a.txt", "clean\n");
    const base = commit(repository);
    repository.stage("a.key", identity);
    const [key] = await range(repository, `${commit(repository)}~..HEAD`);
    repository.stage(ALLOW_FILE, `sha256:${key!.fingerprint}\n`);
    const allowed = commit(repository);
    expect(await range(repository, `${base}..HEAD`)).toHaveLength(1);
    repository.stage("b.key", identity);
    commit(repository);
    expect(await range(repository, `${allowed}..HEAD`)).toEqual([]);
  });

  test("from nothing is all of history", async () => {
    using repository = new TestRepository();
    repository.stage("a.key", identity);
    const root = commit(repository);
    repository.git("rm", "--quiet", "a.key");
    commit(repository);
    expect(brief(await range(repository, `${"0".repeat(40)}..HEAD`))).toEqual([["a.key", 1, "age-identity", root]]);
  });

  test.each(["HEAD", "..HEAD", "nothing..HEAD", "HEAD..nothing", "--all..HEAD", "HEAD..--output=x"])("%s is refused", async (words) => {
    using repository = new TestRepository();
    repository.stage("a.txt", "clean\n");
    commit(repository);
    await expect(range(repository, words)).rejects.toMatchObject({ code: "INVALID_VALUE" });
    expect(repository.exists("x")).toBe(false);
  });
});
