import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { digestOf, treeDigest, type Digest } from "#vault/lock/digest.js";
import { formatLock, parseLock, type Lock } from "#vault/lock/lock.js";
import { formatSshPublicKey } from "#vault/lock/ssh-signature.js";
import { VaultError } from "#vault/index.js";

const digest = fc.uint8Array({ minLength: 1, maxLength: 4 }).map(digestOf);
const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/).filter((text) => !text.endsWith("\n"));
const key = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(formatSshPublicKey);
const second = fc
  .date({ min: new Date("2000-01-01"), max: new Date("9999-12-31"), noInvalidDate: true })
  .map((date) => new Date(Math.floor(+date / 1000) * 1000));
const map = <T>(keys: fc.Arbitrary<string>, values: fc.Arbitrary<T>) =>
  fc.dictionary(keys, values, { maxKeys: 6 }).map((entries) => new Map(Object.entries(entries)));

const lock: fc.Arbitrary<Lock> = fc.record({
  vault: fc.uuid(),
  sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  signedAt: second,
  validUntil: fc.option(second, { nil: undefined }),
  previous: fc.uniqueArray(digest, { maxLength: 8 }).map((digests) => digests.toSorted()),
  owners: fc.array(fc.record({ name, key }), { minLength: 1, maxLength: 3 }),
  files: map(fc.constantFrom("config.yaml", "manifest.yaml", "owner.pub", ".gitignore", "policy.yaml"), digest),
  trees: map(
    fc.oneof(
      fc.constantFrom("agents", "owners"),
      name.map((group) => `secrets/${group}`),
    ),
    digest,
  ),
  audit: map(name, fc.record({ rows: fc.nat(), head: digest })),
});

const SAMPLE: Lock = {
  vault: "3acf9b7e-a3bc-4481-a521-00acab018111",
  sequence: 42,
  signedAt: new Date("2026-11-22T10:00:00Z"),
  validUntil: new Date("2026-12-22T10:00:00Z"),
  previous: [digestOf("before")],
  owners: [{ name: "eric", key: formatSshPublicKey(new Uint8Array(32).fill(7)) }],
  files: new Map([
    ["config.yaml", digestOf("config")],
    ["manifest.yaml", digestOf("manifest")],
  ]),
  trees: new Map([
    ["agents", digestOf("agents")],
    ["secrets/stripe", digestOf("stripe")],
  ]),
  audit: new Map(),
};
const TEXT = Buffer.from(formatLock(SAMPLE)).toString();
const PARENTS = ["one", "two", "three"].map(digestOf).toSorted();
const MERGED = Buffer.from(formatLock({ ...SAMPLE, previous: PARENTS })).toString();

/** @returns `undefined` where it is no lock, which must be said in the one way */
function readOrRefuse(bytes: Uint8Array): Lock | undefined {
  try {
    return parseLock(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(VaultError);
    const isNewer = /^version: (?:[3-9]|[1-9]\d{1,8})\n/.test(Buffer.from(bytes).toString());
    expect((error as VaultError).code).toBe(isNewer ? "TOO_NEW" : "BAD_SIGNATURE");
    return undefined;
  }
}

describe("a lock", () => {
  it("comes out of its bytes as it went in", () => {
    fc.assert(
      fc.property(lock, (one) => {
        expect(parseLock(formatLock(one))).toEqual(one);
      }),
    );
  });

  it("says the same to a YAML parser", () => {
    fc.assert(
      fc.property(lock, (one) => {
        const read = parse(Buffer.from(formatLock(one)).toString()) as Record<string, unknown>;
        expect(read["sequence"]).toBe(one.sequence);
        expect(read["owners"]).toEqual(one.owners);
        expect(read["files"] ?? {}).toEqual(Object.fromEntries(one.files));
        expect(read["trees"] ?? {}).toEqual(Object.fromEntries(one.trees));
        expect(read["audit"] ?? {}).toEqual(Object.fromEntries(one.audit));
        expect(read["version"]).toBe(one.previous.length > 1 ? 2 : 1);
        expect([read["previous"] ?? []].flat()).toEqual(one.previous);
      }),
    );
  });

  it.each([
    ["one state before", TEXT],
    ["several", MERGED],
  ])("with %s has one spelling: whatever is read is written with the very same bytes", (_, sample) => {
    const inserted = fc.tuple(fc.nat(sample.length), fc.string({ maxLength: 3 }), fc.nat(3));
    fc.assert(
      fc.property(inserted, ([at, text, removed]) => {
        const bytes = Buffer.from(sample.slice(0, at) + text + sample.slice(at + removed));
        const read = readOrRefuse(bytes);
        if (read) expect(Buffer.from(formatLock(read))).toEqual(bytes);
      }),
      { numRuns: 2000 },
    );
  });

  it.each<[string, string]>([
    ["a key that stands twice", TEXT.replace("  config.yaml", "  config.yaml: " + digestOf("x") + "\n  config.yaml")],
    ["a section that stands twice", TEXT + "trees:\n  agents: " + digestOf("x") + "\n"],
    ["an unknown field", TEXT.replace("sequence: 42", "sequence: 42\nnote: x")],
    ["another order", TEXT.replace(/( {2}config.*\n)( {2}manifest.*\n)/, "$2$1")],
    ["an alias", TEXT.replace("files:", "files: &a")],
    ["another version", TEXT.replace("version: 1", "version: 2")],
    ["a sequence of 0", TEXT.replace("sequence: 42", "sequence: 0")],
    ["a sequence of 2^53", TEXT.replace("sequence: 42", `sequence: ${2 ** 53}`)],
    ["a sequence in another notation", TEXT.replace("sequence: 42", "sequence: 4.2e1")],
    ["no owner", TEXT.replace(/ {2}- .*\n/, "")],
    ["an owner whose key is of another kind", TEXT.replace("AAAAC3NzaC1lZDI1NTE5", "AAAAC3NzaC1lZDI1NTE6")],
    ["a day that does not exist", TEXT.replace("2026-11-22", "2026-02-30")],
    ["lines that end as on Windows", TEXT.replaceAll("\n", "\r\n")],
    ["a byte order mark", `\uFEFF${TEXT}`],
    ["no last line end", TEXT.trimEnd()],
    ["two documents", `${TEXT}---\n${TEXT}`],
    ["nothing", ""],
  ])("with %s is none", (_, text) => {
    expect(text).not.toBe(TEXT);
    expect(readOrRefuse(Buffer.from(text))).toBeUndefined();
  });

  const list = (digests: readonly Digest[]) => `previous:\n${digests.map((digest) => `  - ${digest}\n`).join("")}`;
  it.each<[string, string]>([
    ["one state before", MERGED.replace(list(PARENTS), list(PARENTS.slice(0, 1)))],
    ["no state before", MERGED.replace(list(PARENTS), "")],
    ["nine states before", MERGED.replace(list(PARENTS), list(["a", "b", "c", "d", "e", "f", "g", "h", "i"].map(digestOf).toSorted()))],
    ["the states before in another order", MERGED.replace(list(PARENTS), list(PARENTS.toReversed()))],
    ["a state twice", MERGED.replace(list(PARENTS), list([PARENTS[0]!, ...PARENTS]))],
    ["the spelling of version 1", MERGED.replace(list(PARENTS), `previous: ${PARENTS[0]!}\n`)],
    ["the version of a single state before", MERGED.replace("version: 2", "version: 1")],
    ["version 0", MERGED.replace("version: 2", "version: 0")],
  ])("of version 2 with %s is none", (_, text) => {
    expect(text).not.toBe(MERGED);
    expect(readOrRefuse(Buffer.from(text))).toBeUndefined();
  });

  it.each([3, 10, 999])("of version %i is of a newer agent-vault", (version) => {
    const bytes = Buffer.from(`version: ${version}\nwhatever: follows\n`);
    expect(() => parseLock(bytes)).toThrow(expect.objectContaining({ code: "TOO_NEW" }) as Error);
  });

  it("of nine megabytes is none", () => {
    expect(readOrRefuse(Buffer.alloc(9 * 1024 * 1024, "a"))).toBeUndefined();
  });
});

describe("a tree's digest", () => {
  it("does not depend on the order in which files are found", () => {
    const files = fc.uniqueArray(fc.tuple(name, digest), { selector: ([file]) => file, maxLength: 8 });
    fc.assert(
      fc.property(files, (entries) => {
        expect(treeDigest(new Map(entries))).toBe(treeDigest(new Map(entries.toReversed())));
      }),
    );
  });

  it("changes with every name and every byte", () => {
    const tree = (entries: [string, Digest][]) => treeDigest(new Map(entries));
    const one = tree([
      ["a", digestOf("1")],
      ["b", digestOf("2")],
    ]);
    expect(
      tree([
        ["b", digestOf("1")],
        ["a", digestOf("2")],
      ]),
    ).not.toBe(one);
    expect(tree([["a", digestOf("1")]])).not.toBe(one);
    expect(
      tree([
        ["a", digestOf("1")],
        ["c", digestOf("2")],
      ]),
    ).not.toBe(one);
  });
});
