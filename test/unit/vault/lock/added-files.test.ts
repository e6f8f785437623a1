import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { VaultError, VaultFolder } from "#vault/index.js";
import { VaultFiles } from "#vault/files/vault-files.js";
import { generateIdentity } from "#vault/age/identity.js";
import { SigningKey } from "#vault/keys/signing-key.js";
import { signedFilesIn, withoutSignedFiles } from "#vault/lock/added-files.js";
import { digestOf, type Digest } from "#vault/lock/digest.js";
import { formatLock, type Lock } from "#vault/lock/lock.js";
import { digestsIn, SignedFiles, summarize } from "#vault/lock/signed-files.js";
import { signerLocks } from "#vault/lock/signer-locks.js";

const VAULT = "3acf9b7e-a3bc-4481-a521-00acab018111";
const CONFIG = `# ours\nversion: 1\nencryption:\n  format: age\nid: ${VAULT}\n`;
const block = (entries: Readonly<Record<string, Digest>>) =>
  `signed_files:\n${Object.entries(entries)
    .map(([name, digest]) => `  ${name}: ${digest}\n`)
    .join("")}`;
const codeOf = (look: () => unknown): string | undefined => {
  try {
    look();
    return undefined;
  } catch (error) {
    return error instanceof VaultError ? error.code : String(error);
  }
};

describe("signed_files in a configuration", () => {
  const [one, two] = [digestOf("one"), digestOf("two")];
  const listing = block({ signers: one, "vault.states": two });
  const read = (text: string) => signedFilesIn(Buffer.from(text));

  it.each([
    ["at the end", CONFIG + listing],
    ["at the beginning", listing + CONFIG],
    ["before settings", `${CONFIG}${listing}settings:\n  pull_interval: 5\n`],
  ])("is read %s", (_, text) => {
    expect(Object.fromEntries(read(text))).toEqual({ signers: one, "vault.states": two });
    expect(withoutSignedFiles(Buffer.from(text)).includes("signed_files")).toBe(false);
  });

  it("is empty where there is none, also where a comment or a value speaks of it", () => {
    expect(read(CONFIG).size).toBe(0);
    expect(read(`${CONFIG}# signed_files: none\nnote: signed_files\n`).size).toBe(0);
    expect(withoutSignedFiles(Buffer.from(CONFIG))).toBe(CONFIG);
  });

  it.each<[string, string]>([
    ["twice", CONFIG + listing + listing],
    ["with a name twice", CONFIG + listing.replace("vault.states", "signers")],
    ["in another order", CONFIG + block({ "vault.states": two, signers: one })],
    ["as a flow mapping", `${CONFIG}signed_files: {signers: ${one}}\n`],
    ["with quotes", `${CONFIG}${listing.replace("signed_files", '"signed_files"')}`],
    ["with a digest in quotes", CONFIG + listing.replace(one, `"${one}"`)],
    ["with a comment in it", CONFIG + listing.replace("  vault", "  # of all\n  vault")],
    ["with a deeper indentation", CONFIG + listing.replaceAll("  ", "    ")],
    ["with the line ends of Windows", (CONFIG + listing).replaceAll("\n", "\r\n")],
    ["without entries", `${CONFIG}signed_files:\n`],
    ["without its last line end", (CONFIG + listing).trimEnd()],
  ])("is refused %s", (_, text) => {
    expect(codeOf(() => read(text))).toBe("INVALID_CONFIG");
  });
});

describe("the added files of a vault", () => {
  let root: string;
  let lock: Lock;
  const NAMES = ["vault.states", `signers/${"0a".repeat(32)}.lock`, `signers/${"0a".repeat(32)}.sig`];

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "agent-vault-test-"));
    onTestFinished(() => rmSync(root, { recursive: true, force: true }));
    for (const file of NAMES) write(file, `what ${file} holds`);
    write("manifest.yaml", "owners: []\n");
    signAll();
  });

  function write(file: string, text: string): void {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }

  function signAll(listed = summarize(digestsIn(new VaultFolder(root))).added): void {
    write("config.yaml", CONFIG + (listed.size > 0 ? block(Object.fromEntries(listed)) : ""));
    const { files, trees } = summarize(digestsIn(new VaultFolder(root)));
    lock = {
      vault: VAULT,
      sequence: 1,
      signedAt: new Date(0),
      validUntil: undefined,
      previous: [],
      owners: [],
      files,
      trees,
      audit: new Map(),
    };
  }

  function opened(): VaultFiles {
    const files = new VaultFiles(root);
    files.vouch(new SignedFiles(lock, files.source));
    return files;
  }

  /** What both ways to look at a file come to: on its own, and with all others. */
  function codes(file: string): (string | undefined)[] {
    return [codeOf(() => opened().read(file)), codeOf(() => opened().signed!.requireAll())];
  }

  it("are given out as they were signed, and are not in the lock's own lists", () => {
    for (const file of NAMES) expect(codes(file)).toEqual([undefined, undefined]);
    expect(opened().filesBelow("signers")).toEqual(NAMES.slice(1));
    expect([...lock.files.keys(), ...lock.trees.keys()].toSorted()).toEqual(["config.yaml", "manifest.yaml"]);
  });

  it.each(NAMES)("are refused where %s was changed", (file) => {
    write(file, "another");
    expect(codes(file)).toEqual(["TAMPERED", "TAMPERED"]);
  });

  it.each(NAMES)("are refused where %s is missing", (file) => {
    rmSync(join(root, file));
    expect(codes(file)).toEqual(["TAMPERED", "TAMPERED"]);
  });

  it.each(["exposures.yaml", "versions/stripe/key/1-0.enc", `signers/${"ff".repeat(32)}.lock`])(
    "are refused where %s was added",
    (file) => {
      write(file, "added");
      expect(codes(file)).toEqual(["TAMPERED", "TAMPERED"]);
    },
  );

  it("are refused where nothing lists them", () => {
    signAll(new Map());
    for (const file of NAMES) expect(codes(file)).toEqual(["TAMPERED", "TAMPERED"]);
  });

  it("are refused where the configuration that lists them is not the one that was signed", () => {
    write("config.yaml", CONFIG);
    for (const file of NAMES) expect(codes(file)).toEqual(["TAMPERED", "TAMPERED"]);
  });

  it("may be others than this version knows", () => {
    signAll(new Map([...summarize(digestsIn(new VaultFolder(root))).added, ["zones.yaml", digestOf("later")]]));
    for (const file of NAMES) expect(codes(file)).toEqual([undefined, undefined]);
  });

  it("are absent in a vault that has none", () => {
    rmSync(join(root, "vault.states"));
    rmSync(join(root, "signers"), { recursive: true });
    signAll();
    expect(codes("vault.states")).toEqual([undefined, undefined]);
    expect(opened().filesBelow("signers")).toEqual([]);
  });
});

describe("the locks of signers", () => {
  let root: string;
  let key: SigningKey;

  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), "agent-vault-test-"));
    onTestFinished(() => rmSync(root, { recursive: true, force: true }));
    mkdirSync(join(root, "signers"));
    key = new SigningKey(await generateIdentity("x25519"), VAULT);
  });

  /** @returns the path of the lock, without its ending */
  function keep(sequence: number, vault = VAULT): string {
    const owners = [{ name: "olivia", key: key.publicKey }];
    const rest = { signedAt: new Date(0), validUntil: undefined, previous: [], files: new Map(), trees: new Map(), audit: new Map() };
    const bytes = formatLock({ vault, sequence, owners, ...rest });
    const path = join(root, "signers", digestOf(bytes).slice("sha256:".length));
    writeFileSync(`${path}.lock`, bytes);
    writeFileSync(`${path}.sig`, key.sign(bytes));
    return path;
  }

  const read = () => signerLocks(new VaultFiles(root), VAULT);

  it("are read in the order of their sequence", () => {
    for (const sequence of [9, 10, 1, 2]) keep(sequence);
    expect(read().map(({ lock }) => lock.sequence)).toEqual([1, 2, 9, 10]);
    expect(read()[0]!.signer).toBe(key.publicKey);
  });

  it("are none where there is no such folder", () => {
    rmSync(join(root, "signers"), { recursive: true });
    expect(read()).toEqual([]);
  });

  it.each<[string, (path: string) => void]>([
    ["is not signed", (path) => rmSync(`${path}.sig`)],
    ["is missing", (path) => rmSync(`${path}.lock`)],
    ["has the signature of other bytes", (path) => writeFileSync(`${path}.sig`, key.sign(Buffer.from("other")))],
    ["has no signature at all", (path) => writeFileSync(`${path}.sig`, "")],
    [
      "has another name",
      (path) => {
        for (const end of ["lock", "sig"]) renameSync(`${path}.${end}`, join(root, `signers/${"0a".repeat(32)}.${end}`));
      },
    ],
    ["is of another vault", () => keep(3, "11111111-e5f1-4a37-9d84-2f0c1b9a7e55")],
  ])("are refused where one %s", (_, spoil) => {
    keep(1);
    const path = keep(2);
    expect(read()).toHaveLength(2);
    spoil(path);
    expect(codeOf(read)).toBe("TAMPERED");
  });
});
