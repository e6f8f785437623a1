import { beforeAll, describe, expect, it } from "vitest";
import { GET_FLAGS } from "#cli/flags/get-flags.js";
import { GLOBAL_FLAGS } from "#cli/flags/global-flags.js";
import { RUN_FLAGS } from "#cli/flags/run-flags.js";
import { HELP_GROUPS } from "#cli/help/help-groups.js";
import type { VaultCommand } from "#cli/vault-command.js";
import { allCommands } from "../support/commands.js";
import { errorCode, Sandbox } from "../support/sandbox.js";

let commands: ReadonlyMap<string, typeof VaultCommand>;

beforeAll(async () => {
  commands = await allCommands();
});

describe("commands", () => {
  it("say in one plain line what they do, and complete only arguments that they have", () => {
    for (const [id, { summary, args, completes }] of commands) {
      expect([id, summary]).toEqual([id, expect.stringMatching(/^[A-Z][^.\n]{4,70}[^.\n]$/)]);
      expect([id, Object.keys(completes).filter((name) => !Object.hasOwn(args, name))]).toEqual([id, []]);
    }
  });

  it("run where a token is presented only if they are limited by it, need no key or look at tokens", () => {
    const allowed =
      "check, doctor, get, hook install, hook status, hook uninstall, inject, list, list-agents, list-owners, mcp, mcp install, mcp uninstall, " +
      "owner allowed-signers, peek, policy check, policy explain, profile exec, profile list, profile show, run, scan, status, " +
      "token attenuate, token inspect, token verify, verify";
    expect([...commands].filter(([, { allowsToken }]) => allowsToken).map(([id]) => id)).toEqual(allowed.split(", "));
  });

  it("have the same flags on the fast path as elsewhere", () => {
    for (const [id, fast] of Object.entries({ get: GET_FLAGS, run: RUN_FLAGS })) {
      const { flags, baseFlags } = commands.get(id)!;
      const full = Object.entries({ ...baseFlags, ...flags }).map(([name, flag]) => {
        const multiple = flag.type === "option" && flag.multiple ? { multiple: true } : {};
        return [name, { type: flag.type === "option" ? "string" : "boolean", ...(flag.char && { short: flag.char }), ...multiple }];
      });
      const read = Object.entries({ ...GLOBAL_FLAGS, ...fast }).map(([name, { type, ...rest }]) => {
        const { short, multiple } = rest as { short?: string; multiple?: true };
        return [name, { type, ...(short && { short }), ...(multiple && { multiple }) }];
      });
      expect(Object.fromEntries(full)).toEqual(Object.fromEntries(read));
    }
  });

  it("are no files that a command line could name otherwise", async () => {
    const box = new Sandbox({ git: false });
    for (const name of ["../main", "token/mint", "./get", "get.js", "constructor", "__proto__", ""]) {
      const outcome = await box.cli([name, "--json"]);
      expect([name, outcome.code, JSON.parse(outcome.stdout.toString())]).toEqual([
        name,
        2,
        { error: expect.objectContaining({ code: "USAGE" }) },
      ]);
    }
    expect(errorCode(await box.cli(["token", "mnt"]))).toBe("USAGE");
  });
});

describe("help", () => {
  it("lists every command or its topic once, in groups, and first the ten that a newcomer needs", async () => {
    const help = await new Sandbox({ git: false }).ok("--help");
    const listed = [...help.matchAll(/^ {2}([a-z][a-z-]*) {2,}\S/gm)].map(([, name]) => name!);
    expect(listed.toSorted()).toEqual([...new Set([...commands.keys()].map((id) => id.split(" ")[0]!))].toSorted());
    expect(listed.slice(0, 10)).toEqual(["init", "set", "add-agent", "grant", "run", "get", "list", "revoke", "sync", "status"]);
    const headings = Object.values(HELP_GROUPS);
    expect(help.split("\n").filter((line) => (headings as string[]).includes(line))).toEqual(headings);
  });

  it("shows every command its arguments, flags and examples, and every topic its commands", async () => {
    const box = new Sandbox({ git: false });
    for (const words of [
      ["token", "--help"],
      ["help", "token"],
      ["macaroon", "--help"],
    ]) {
      const help = await box.ok(...words);
      for (const id of commands.keys()) expect(help.includes(`  ${id} `)).toBe(id.startsWith("token "));
    }
    const help = await box.ok("lease", "--help");
    const { examples, flags } = commands.get("lease")!;
    for (const example of examples) expect(help).toContain(example);
    for (const name of Object.keys(flags)) expect(help).toContain(`--${name}`);
  });
});
