import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { VaultFolder, type FileSource } from "#vault/index.js";
import { CommitFiles } from "#vault/files/commit-files.js";
import { GitRepository } from "#vault/git/repository.js";
import { digestOf } from "#vault/lock/digest.js";
import { Sandbox } from "../../../support/sandbox.js";

const FILES: Readonly<Record<string, string>> = {
  "config.yaml": "version: 1\n",
  "vault.lock": "lock",
  "vault.lock.sig": "signature",
  "manifest.yaml": "",
  "agents/bot/public.key": "key",
  "secrets/stripe/api-key.enc": "\0\u{1f511}",
  "secrets/stripe/api-key.meta": "name: api-key\n",
  "secrets/stripe-2/api-key.enc": "other",
  "secrets/stripe/deep/er/x.enc": "deep",
  "secrets/zoo/large.enc": "x".repeat(3 * 1024 * 1024),
  "secrets/zoo/zz.enc": "after",
  "secrets/zoo/ü b\n.txt": "a strange name",
};

/** A repository whose vault is in a subfolder, committed. */
class Scene {
  readonly box: Sandbox;
  readonly root: string;

  constructor(kept = false, objectFormat = "sha1") {
    this.box = new Sandbox({ kept, git: false });
    this.root = join(this.box.repository, "app/.agent-vault");
    this.box.git("init", "--quiet", `--object-format=${objectFormat}`);
    for (const [file, content] of Object.entries(FILES)) this.write(file, content);
    this.write("../../code.ts", "code");
    this.commit();
  }

  write(file: string, content: string): void {
    mkdirSync(dirname(join(this.root, file)), { recursive: true });
    writeFileSync(join(this.root, file), content);
  }

  commit(): void {
    this.box.git("add", "--all");
    this.box.git("commit", "--quiet", "--message", "vault");
  }

  async files(revision = "HEAD"): Promise<CommitFiles> {
    return CommitFiles.open(await GitRepository.find(this.box.context(), this.box.repository), revision, this.root);
  }
}

const FOLDERS = ["", "agents", "secrets", "secrets/stripe", "secrets/stripe/deep", "secrets/none", "owners", "config.yaml"];

/** All that a source gives, each answer by its question. */
function everything(source: FileSource, folders = FOLDERS): unknown {
  const names = [...Object.keys(FILES), "policy.yaml", "secrets", "secrets/stripe", "secrets/stripe/none.enc", "config.yaml/x"];
  const kept = (file: string) => {
    const pieces: Uint8Array[] = [];
    return source.readInPieces!(file, (piece) => pieces.push(Buffer.from(piece))) ? digestOf(Buffer.concat(pieces)) : undefined;
  };
  const asked = names.filter((name) => name !== "secrets" && name !== "secrets/stripe");
  return {
    walks: folders.map((folder) => [folder, source.walk(folder)]),
    reads: asked.map((file) => [file, digestOrNothing(source.read(file)), digestOrNothing(source.read(file, 3)), kept(file)]),
  };
}

const digestOrNothing = (bytes: Uint8Array | undefined) => bytes && digestOf(bytes);

describe("the files of a vault in a commit", () => {
  let scene: Scene;
  beforeAll(() => {
    scene = new Scene(true);
    return () => rmSync(scene.box.root, { recursive: true, force: true });
  });

  it("are those of the folder that was committed, in whatever order they are asked for", async () => {
    const expected = everything(new VaultFolder(scene.root));
    expect(everything(await scene.files())).toEqual(expected);
    expect(everything(await scene.files(), FOLDERS.toReversed())).toEqual(everything(new VaultFolder(scene.root), FOLDERS.toReversed()));
    const source = await scene.files();
    for (const file of Object.keys(FILES).toReversed()) expect(digestOrNothing(source.read(file))).toBe(digestOf(FILES[file]!));
    for (const file of Object.keys(FILES)) expect(digestOrNothing(source.read(file))).toBe(digestOf(FILES[file]!));
    expect(everything(source)).toEqual(expected);
  });

  it("can be read before they are asked for", async () => {
    const source = await scene.files();
    source.preload(["vault.lock", "secrets/stripe/api-key.enc", "secrets/stripe/none.enc", "secrets/none/x.enc"]);
    expect(digestOrNothing(source.read("secrets/stripe/api-key.enc"))).toBe(digestOf(FILES["secrets/stripe/api-key.enc"]!));
    expect(source.read("secrets/stripe/none.enc")).toBeUndefined();
  });

  it("do not change with the branch", async () => {
    const own = new Scene();
    const source = await own.files();
    const tree = own.box.git("rev-parse", "HEAD:app/.agent-vault").trim();
    own.write("config.yaml", "changed");
    own.write("secrets/stripe/api-key.enc", "changed");
    own.commit();
    expect(source.tree).toBe(tree);
    expect([source.read("config.yaml"), source.read("secrets/stripe/api-key.enc")].map((bytes) => digestOrNothing(bytes))).toEqual(
      ["config.yaml", "secrets/stripe/api-key.enc"].map((file) => digestOf(FILES[file]!)),
    );
  });

  it("are read with SHA-256 as well", async () => {
    const own = new Scene(false, "sha256");
    expect(everything(await own.files())).toEqual(everything(new VaultFolder(own.root)));
  });

  it("are read in any number", async () => {
    const own = new Scene();
    for (let index = 0; index < 600; index++) own.write(`secrets/many/s-${index}.enc`, `value ${index}`);
    own.commit();
    const source = await own.files();
    const entries = source.walk("secrets/many");
    expect(entries).toHaveLength(600);
    // A folder that was walked is walked once more, and so is one inside it.
    expect(source.walk("secrets/many")).toEqual(entries);
    expect(source.walk("secrets").filter(({ file }) => file.startsWith("secrets/many/"))).toEqual(entries);
    expect(source.walk("secrets/many")).toEqual(entries);
    for (const { file } of entries) expect(Buffer.from(source.read(file)!).toString()).toBe(`value ${/\d+/.exec(file)![0]}`);
  });

  it("are not there where the commit has no vault", async () => {
    await expect(scene.files("nowhere")).rejects.toMatchObject({ code: "GIT_FAILED" });
    const own = new Scene();
    own.box.git("rm", "-r", "--quiet", "app");
    symlinkSync("elsewhere", join(own.box.repository, "app"));
    own.commit();
    await expect(own.files()).rejects.toMatchObject({ code: "VAULT_NOT_FOUND" });
    rmSync(join(own.box.repository, "app"));
    mkdirSync(join(own.box.repository, "app"));
    symlinkSync("elsewhere", own.root);
    own.commit();
    await expect(own.files()).rejects.toMatchObject({ code: "VAULT_NOT_FOUND" });
  });

  it.each(["secrets/stripe/api-key.enc", "secrets/stripe", "secrets", "config.yaml"])("are not read through a link: %s", async (link) => {
    const own = new Scene();
    rmSync(join(own.root, link), { recursive: true });
    symlinkSync("elsewhere", join(own.root, link));
    own.commit();
    const below = link.endsWith(".yaml") ? link : "secrets/stripe/api-key.enc";
    for (const walked of [undefined, "", "agents"]) {
      const source = await own.files();
      if (walked !== undefined) source.walk(walked);
      expect(() => source.read(below)).toThrowError(expect.objectContaining({ code: "LINK_IN_VAULT" }));
      expect(source.walk()).toContainEqual({ file: link, kind: "link" });
    }
  });

  it.each([
    ["vault.lock.sig", 4 * 1024, "BAD_SIGNATURE"],
    ["vault.lock", 8 * 1024 * 1024, "BAD_SIGNATURE"],
    ["secrets/stripe/api-key.meta", 4 * 1024 * 1024, "TAMPERED"],
    ["agents/bot/public.key", 64 * 1024, "TAMPERED"],
  ])("are not read where they are larger than such a file is: %s", async (file, limit, expected) => {
    const own = new Scene();
    for (const [size, code] of [
      [limit, undefined],
      [limit + 1, expected],
    ] as const) {
      own.write(file, "x".repeat(size));
      own.commit();
      for (const source of [new VaultFolder(own.root), await own.files()]) {
        const read = () => source.read(file)!.length;
        if (code) expect(read).toThrowError(expect.objectContaining({ code }));
        else expect(read()).toBe(size);
        expect(source.read("config.yaml")).toBeDefined();
        expect(source.read("agents/bot/none")).toBeUndefined();
      }
    }
  });
});
