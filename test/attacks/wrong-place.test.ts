import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { Vault } from "#sdk-node/index.js";
import { errorCode, prepared, type Outcome, type Sandbox } from "../support/sandbox.js";
import { makeVault } from "../support/vault.js";

const VALUE = "sk_live_51H8xQ2eZvKYlo2C";
const TOKEN = `avt1_${"MDAxY2xvY2F0aW9u".repeat(6)}`;
const granted = prepared((box) => makeVault(box, { "stripe/api-key": VALUE }, { bot: ["stripe"] }));

const keyIn = (box: Sandbox) => /AGE-SECRET-KEY-\S+/.exec(readFileSync(box.agentKey("bot"), "utf8"))![0];
const said = ({ stdout, stderr }: Outcome) => stdout.toString() + stderr;

describe("a secret in the wrong place of a command line is not repeated", () => {
  it.each<[string, (word: string) => string[]]>([
    ["a secret", (word) => ["get", word]],
    ["a secret in a group", (word) => ["get", `stripe/${word}`]],
    ["an agent", (word) => ["grant", word, "stripe"]],
    ["a folder", (word) => ["-C", word, "list"]],
    ["a group", (word) => ["list", word]],
    ["a key file", (word) => ["get", "stripe/api-key", "--key", `./${word}`]],
    ["a command", (word) => ["run", "--secret", "stripe/api-key", "--", word]],
    ["a flag", (word) => ["list", `--${word}`]],
    ["a command of agent-vault", (word) => [word]],
  ])("a key or a token for %s", async (_what, words) => {
    const box = await granted();
    for (const secret of [keyIn(box), keyIn(box).toLowerCase(), TOKEN]) {
      for (const json of [[], ["--json"]]) {
        const outcome = await box.cli([...json, ...words(secret)]);
        expect(outcome.code).not.toBe(0);
        expect(said(outcome)).not.toContain(secret.slice(16));
      }
    }
  });

  it("a key or a token for the path of a key file, in the SDK", async () => {
    const box = await granted();
    for (const secret of [keyIn(box), keyIn(box).toLowerCase(), TOKEN]) {
      const error = await new Vault({ repoPath: box.repository, keyPath: secret }).get("stripe/api-key").catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: "INVALID_KEY" });
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(secret.slice(16));
    }
  });

  it("a value for a command that is given it", async () => {
    const box = await granted();
    for (const json of [[], ["--json"]]) {
      const outcome = await box.cli([...json, "run", "--secret", "stripe/api-key", "--", VALUE]);
      expect(outcome.code).toBe(127);
      expect(said(outcome)).toContain("COMMAND_NOT_FOUND");
      expect(said(outcome)).not.toContain(VALUE);
    }
  });

  it("a value for the path of a secret", async () => {
    const box = await granted();
    const before = box.git("rev-parse", "HEAD");
    for (const [value, path] of [
      [VALUE, "stripe/api-key"],
      [VALUE, "stripe/new"],
      ["not a name: +/=", "stripe/api-key"],
    ] as const) {
      const refused = await box.cli(["set", value, path]);
      expect([refused.code, errorCode(refused)]).toEqual([2, "USAGE"]);
      expect(said(refused)).not.toContain(value);
    }
    expect(box.git("rev-parse", "HEAD")).toBe(before);
    expect((await box.cli(["set", "stripe/new", "stripe/old"])).code).toBe(0);
  });

  it("a key for the path of its file, in the file of an MCP client", async () => {
    const box = await granted();
    for (const secret of [keyIn(box), keyIn(box).toLowerCase(), TOKEN]) {
      for (const flag of ["--key", "--owner-key", "--name"]) {
        for (const print of [[], ["--print"]]) {
          const refused = await box.cli(["mcp", "install", "--client", "cursor", flag, secret, ...print]);
          expect([refused.code, errorCode(refused)]).toEqual([4, "INVALID_KEY"]);
          expect(said(refused)).not.toContain(secret.slice(16));
        }
      }
    }
    expect(existsSync(join(box.home, ".cursor/mcp.json"))).toBe(false);
  });
});
