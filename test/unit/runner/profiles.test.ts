import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { profilesFile, readProfile, readProfiles, secretsOf } from "#runner/index.js";
import { parseProfiles } from "#runner/profiles/parse-profiles.js";
import { processContext, type Context } from "#vault/index.js";

/** A home with these profiles. */
function home(text: string | Uint8Array | undefined, env: Record<string, string> = {}): Context {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "agent-vault-profiles-")));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const context = processContext({ cwd: folder, env: { HOME: folder, ...env } });
  if (text === undefined) return context;
  mkdirSync(dirname(profilesFile(context)), { recursive: true });
  writeFileSync(profilesFile(context), text, { mode: 0o644 });
  return context;
}

function problem(text: string): { code: string; message: string; remedy: string } | undefined {
  try {
    parseProfiles(text, "profiles.toml");
    return undefined;
  } catch (error) {
    return error as { code: string; message: string; remedy: string };
  }
}

describe("profiles", () => {
  it("name secrets, variables, a time and caveats", () => {
    const profile = parseProfiles(
      `[deploy]
description = "what a deploy takes"
secrets = { STRIPE_KEY = "stripe/api-key", TOKEN = "token" }
env = { STAGE = "live", DATABASE = "postgres://vault://db/user@host/x", EMPTY = "" }
ttl = "8h"
caveats = { branch = ["main", "release/*"], agent = "billing", command = "npm test", uses = 5 }
`,
      "profiles.toml",
    ).get("deploy")!;
    expect(profile).toEqual({
      name: "deploy",
      description: "what a deploy takes",
      secrets: [
        { variable: "STRIPE_KEY", secret: "stripe/api-key" },
        { variable: "TOKEN", secret: "default/token" },
      ],
      env: [
        { name: "STAGE", value: ["live"] },
        { name: "DATABASE", value: ["postgres://", { secret: "db/user" }, "@host/x"] },
        { name: "EMPTY", value: [] },
      ],
      ttlMs: 8 * 3_600_000,
      caveats: { branch: ["main", "release/*"], agent: ["billing"], command: ["npm test"], uses: 5 },
    });
    expect(secretsOf(profile)).toEqual(["stripe/api-key", "default/token", "db/user"]);
  });

  it("may be as llm-secrets has them", () => {
    const profile = parseProfiles(
      `[iba]
secrets = ["iba_user", "iba_password", "jira/key"]
ttl = "8h"
repo = "adjoint/*"
branch = "main"

[iba.env]
IBA_USER = "iba_user"
IBA_PASS = "iba_password"
`,
      "profiles.toml",
    ).get("iba")!;
    expect(profile.secrets).toEqual([
      { variable: "IBA_USER", secret: "default/iba_user" },
      { variable: "IBA_PASS", secret: "default/iba_password" },
      { variable: "JIRA_KEY", secret: "jira/key" },
    ]);
    expect(profile).toMatchObject({ env: [], caveats: { repo: ["adjoint/*"], branch: ["main"] } });
  });

  it.each<[what: string, text: string, message: string | RegExp]>([
    ["no TOML", '[a]\nsecrets = ["x"\n[b]', /profiles\.toml, line 3, column \d+: /],
    ["a repeated field", '[a]\nttl = "1h"\nttl = "1h"\n', /line 3, column/],
    ["no table", 'a = "b"\n', "a has to be a mapping"],
    ["a name that is none", '["a b"]\nsecrets = ["x"]\n', "a b is not a profile's name"],
    ["no secret", '[a]\nttl = "1h"\n', "a names no secret"],
    ["an unknown field", '[a]\nsecret = ["x"]\n', "a.secret "],
    ["an unknown caveat", '[a]\nsecrets = ["x"]\ncaveats = { branches = "main" }\n', "a.caveats.branches "],
    ["a secret that is none", '[a]\nsecrets = ["x/"]\n', 'a.secrets.0 is wrong: "x/" is not a secret name'],
    ["a secret that is no text", "[a]\nsecrets = [1]\n", "a.secrets.0 has to be text"],
    ["a variable that is reserved", '[a]\nsecrets = { PATH = "x" }\n', "a.secrets.PATH is wrong: The variable PATH "],
    ["a derived variable that is reserved", '[a]\nsecrets = ["path"]\n', "a.secrets is wrong: The variable PATH "],
    ["a reserved plain variable", '[a]\nsecrets = ["x"]\nenv = { LD_PRELOAD = "x.so" }\n', "a.env.LD_PRELOAD is wrong: "],
    ["a variable that is no text", '[a]\nsecrets = ["x"]\nenv = { N = 1 }\n', "a.env.N has to be text"],
    ["a wrong reference", '[a]\nsecrets = ["x"]\nenv = { N = "vault://x/" }\n', "a.env.N is wrong: vault://x/ "],
    ["a variable for two secrets", '[a]\nsecrets = ["a/b-c", "a/b_c"]\n', "a is wrong: The variable A_B_C cannot hold both"],
    ["a variable that is plain as well", '[a]\nsecrets = { X = "x" }\nenv = { X = "y" }\n', "a.env.X is set by secrets as well"],
    ["a derived variable that is plain as well", '[a]\nsecrets = ["a/x"]\nenv = { A_X = "y" }\n', "a.env.A_X is set by secrets as well"],
    ["no time", '[a]\nsecrets = ["x"]\nttl = "8 hours"\n', "a.ttl "],
    ["no uses", '[a]\nsecrets = ["x"]\ncaveats = { uses = 0 }\n', "a.caveats.uses is not a number of uses"],
    ["a caveat twice", '[a]\nsecrets = ["x"]\nrepo = "y"\ncaveats = { repo = "z" }\n', "a.repo "],
  ])("with %s are refused", (_what, text, message) => {
    expect(problem(text)).toMatchObject({
      code: "INVALID_PROFILE",
      message: typeof message === "string" ? (expect.stringContaining(message) as string) : (expect.stringMatching(message) as string),
    });
  });

  it("with a name that is nearly right name the right one", () => {
    expect(problem('[a]\nsecret = ["x"]\n')!.remedy).toContain("Did you mean secrets?");
  });

  const PROFILE = '[deploy]\nsecrets = ["x"]\n';

  it("lie in the person's folder of settings", async () => {
    expect([...(await readProfiles(home(undefined))).keys()]).toEqual([]);
    expect([...(await readProfiles(home(PROFILE))).keys()]).toEqual(["deploy"]);
    const elsewhere = realpathSync(mkdtempSync(join(tmpdir(), "agent-vault-xdg-")));
    onTestFinished(() => rmSync(elsewhere, { recursive: true, force: true }));
    const context = home(PROFILE, { XDG_CONFIG_HOME: elsewhere });
    expect(profilesFile(context)).toBe(join(elsewhere, "agent-vault", "profiles.toml"));
    expect((await readProfile(context, "deploy")).name).toBe("deploy");
  });

  it("that are not there name the nearest one", async () => {
    await expect(readProfile(home(PROFILE), "deplyo")).rejects.toMatchObject({
      code: "PROFILE_NOT_FOUND",
      remedy: expect.stringContaining("Did you mean deploy?") as string,
    });
  });

  it.each([0o664, 0o646])("that others can change (%o) are refused", async (mode) => {
    const context = home(PROFILE);
    chmodSync(profilesFile(context), mode);
    await expect(readProfiles(context)).rejects.toMatchObject({
      code: "INVALID_PROFILE",
      message: expect.stringContaining("changed by other users") as string,
    });
  });

  it("behind a link are read, and held to the same", async () => {
    const context = home(PROFILE);
    const kept = join(context.cwd, "dotfiles.toml");
    writeFileSync(kept, '[linked]\nsecrets = ["x"]\n');
    rmSync(profilesFile(context));
    symlinkSync(kept, profilesFile(context));
    expect([...(await readProfiles(context)).keys()]).toEqual(["linked"]);
    chmodSync(kept, 0o666);
    await expect(readProfiles(context)).rejects.toMatchObject({ code: "INVALID_PROFILE" });
  });

  it("that are no file, no text or too large are refused", async () => {
    const folder = home(PROFILE);
    rmSync(profilesFile(folder));
    mkdirSync(profilesFile(folder));
    await expect(readProfiles(folder)).rejects.toMatchObject({ code: "INVALID_PROFILE" });
    await expect(readProfiles(home(new Uint8Array([0xff, 0xfe])))).rejects.toMatchObject({ code: "INVALID_PROFILE" });
    await expect(readProfiles(home(`# ${"x".repeat(1024 * 1024)}`))).rejects.toMatchObject({ code: "INVALID_PROFILE" });
  });
});
