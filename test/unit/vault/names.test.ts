import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { classify, formatSecretPath, nearestName, parseAgentName, parseSecretPath, VaultError } from "#vault/index.js";

const segment = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/).filter((text) => !/\.(enc|meta)$/i.test(text));

describe("the grammar of names", () => {
  it("takes up to eight segments and gives a path that stays below the vault", () => {
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 8 }), (segments) => {
        const path = parseSecretPath(segments.join("/"));
        expect(path.split("/")).toEqual(segments.length === 1 ? ["default", ...segments] : segments);
        expect(classify(`secrets/${path}.enc`)).toEqual({ kind: "secret", path });
      }),
    );
  });

  it("refuses everything else, without ever touching a path outside", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 80 }), (text) => {
        try {
          expect(parseSecretPath(text)).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*)+$/);
        } catch (error) {
          expect(error).toBeInstanceOf(VaultError);
          expect((error as VaultError).code).toBe("INVALID_NAME");
        }
      }),
    );
    for (const name of ["", ".", "..", "a/..", "a/./b", "-x", "a/-x", "a\\b", "a\u0000b", "x".repeat(65), "a/b.enc", "a.meta/b"]) {
      expect(() => parseSecretPath(name), name).toThrowError(VaultError);
    }
    expect(() => parseAgentName("a/b")).toThrowError(VaultError);
  });

  it("takes a name alone for one in default, both ways", () => {
    expect(parseSecretPath("token")).toBe(parseSecretPath("default/token"));
    expect(formatSecretPath(parseSecretPath("default/token"))).toBe("token");
    expect(formatSecretPath(parseSecretPath("default/a/token"))).toBe("default/a/token");
  });
});

describe("what belongs where in a vault", () => {
  it.each([
    ["manifest.yaml", "yaml"],
    ["policy.yaml", "yaml"],
    ["vault.lock.sig", "signature"],
    ["owner.pub", "owner"],
    ["owners/eric.pub", "owner"],
    ["agents/bot/public.key", "public-key"],
    ["agents/bot/private.key.escrow", "escrow"],
    ["secrets/a/b.enc", "secret"],
    ["secrets/a/b/c.meta", "metadata"],
    [".gitignore", "git"],
    ["vault.states", "added"],
    ["exposures.yaml", "added"],
    [`signers/${"0a".repeat(32)}.lock`, "added"],
    [`signers/${"0a".repeat(32)}.sig`, "added"],
    ["versions/stripe/api-key/3-0123456789abcdef.enc", "added"],
    ["versions/db/staging/password/pending.enc", "added"],
    [`signers/${"0A".repeat(32)}.lock`, "stray"],
    [`signers/${"0a".repeat(31)}.lock`, "stray"],
    [`signers/x/${"0a".repeat(32)}.lock`, "stray"],
    ["signers/README", "stray"],
    ["versions/stripe/api-key/3.meta", "stray"],
    ["versions/../stripe/api-key/3.enc", "stray"],
    ["versions/api-key.enc", "stray"],
    ["vault.states.bak", "stray"],
    ["secrets/b.enc", "stray"],
    ["secrets/../x.enc", "stray"],
    ["agents/bot/private.key", "stray"],
    ["owner.key", "stray"],
    ["agents/a/b/public.key", "stray"],
    ["secrets/a/b.enc.bak", "stray"],
  ])("%s is %s", (file, kind) => {
    expect(classify(file).kind).toBe(kind);
  });
});

describe("the nearest name", () => {
  it.each([
    ["api-kye", ["api-key", "token"], "api-key"],
    ["STRIPE", ["stripe"], "stripe"],
    ["x", ["completely-other"], undefined],
    ["tokn", [], undefined],
    ["lsit", ["init", "list"], "list"],
    ["nope", ["move"], undefined],
  ])("%s", (name, candidates, meant) => {
    expect(nearestName(name, candidates)).toBe(meant);
  });
});
