import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { CLIENTS, installIn, uninstallFrom, type ClientName, type InstallRequest } from "#mcp/install/index.js";
import { processContext } from "#vault/index.js";

const SERVER = {
  name: "agent-vault",
  command: "/usr/bin/node",
  args: ["/opt/bin/agent-vault.js", "mcp", "-C", "/home/you/my shop", "--agent", "claude"],
};
const FILES: Record<ClientName, string> = {
  "claude-code": ".claude.json",
  "claude-desktop": ".config/Claude/claude_desktop_config.json",
  cursor: ".cursor/mcp.json",
  vscode: ".config/Code/User/mcp.json",
  codex: ".codex/config.toml",
  gemini: ".gemini/settings.json",
};
const JSON_CLIENTS = CLIENTS.filter((client) => client !== "codex");

class Home {
  readonly folder = mkdtempSync(join(tmpdir(), "agent-vault-test-"));
  readonly context = processContext({ env: { HOME: this.folder } });

  constructor() {
    onTestFinished(() => rmSync(this.folder, { recursive: true, force: true }));
  }

  file(client: ClientName): string {
    return join(this.folder, FILES[client]);
  }

  write(client: ClientName, text: string): string {
    mkdirSync(dirname(this.file(client)), { recursive: true });
    writeFileSync(this.file(client), text, { mode: 0o640 });
    return this.file(client);
  }

  read(client: ClientName): string {
    return readFileSync(this.file(client), "utf8");
  }

  install(client: ClientName, changes: Partial<InstallRequest> = {}): string {
    return installIn(this.context, { client, ...SERVER, ...changes }, "linux").change;
  }

  uninstall(client: ClientName, name = SERVER.name): string {
    return uninstallFrom(this.context, { client, name }, "linux").change;
  }
}

describe.each(CLIENTS)("the configuration of %s", (client) => {
  it("gets the server once, and is as before when that is undone", () => {
    const home = new Home();
    expect([home.uninstall(client), existsSync(home.file(client))]).toEqual(["unchanged", false]);
    expect(home.install(client)).toBe("added");
    expect(statSync(home.file(client)).mode & 0o777).toBe(0o600);
    const written = home.read(client);
    expect([home.install(client), home.read(client)]).toEqual(["unchanged", written]);
    expect(home.install(client, { args: [...SERVER.args, "--allow-get"] })).toBe("updated");
    expect(home.read(client)).toContain("--allow-get");
    expect(home.install(client)).toBe("updated");
    expect(home.read(client)).toBe(written);
    expect([home.uninstall(client), existsSync(home.file(client))]).toEqual(["removed", false]);
  });

  it("is printed without being written", () => {
    const home = new Home();
    const { text } = installIn(home.context, { client, ...SERVER, dryRun: true }, "linux");
    expect(existsSync(home.file(client))).toBe(false);
    home.install(client);
    expect(home.read(client).trim()).toBe(text.trim());
  });
});

describe("a configuration in JSON", () => {
  it.each(JSON_CLIENTS)("of %s keeps everything else, its indentation, its permissions and its link", (client) => {
    const home = new Home();
    const section = client === "vscode" ? "servers" : "mcpServers";
    const present = `{\n\t"theme": "dark",\n\t"${section}": {\n\t\t"other": {\n\t\t\t"command": "x"\n\t\t}\n\t},\n\t"last": [\n\t\t1,\n\t\ttrue\n\t]\n}\n`;
    const file = home.write(client, present);
    const real = `${file}.real`;
    writeFileSync(real, present, { mode: 0o640 });
    rmSync(file);
    symlinkSync(real, file);
    expect(home.install(client)).toBe("added");
    const entry = {
      ...(client === "claude-code" || client === "vscode" ? { type: "stdio" } : {}),
      command: SERVER.command,
      args: SERVER.args,
    };
    expect(JSON.parse(home.read(client))).toEqual({
      theme: "dark",
      last: [1, true],
      [section]: { other: { command: "x" }, "agent-vault": entry },
    });
    expect(home.read(client)).toContain('\n\t\t"agent-vault"');
    expect([lstatSync(file).isSymbolicLink(), statSync(real).mode & 0o777]).toEqual([true, 0o640]);
    expect(home.uninstall(client)).toBe("removed");
    expect(home.read(client)).toBe(present);
  });

  it("keeps its comments, its trailing commas and its line ends, and gets them back", () => {
    const texts = [
      '// Mine.\n{\n  // Servers.\n  "servers": {\n    // One.\n    "other": { "command": "x" }, // why\n  },\n  "inputs": [], // last\n}\n',
      '{\r\n    "servers": {\r\n        /* none yet */\r\n    }\r\n}',
      '\uFEFF{ "inputs": [ ] /* kept */ }\n',
    ];
    for (const text of texts) {
      const home = new Home();
      home.write("vscode", text);
      expect(home.install("vscode")).toBe("added");
      const written = home.read("vscode");
      for (const comment of text.match(/\/\/.*|\/\*.*\*\//g)!) expect(written).toContain(comment);
      expect(written.includes("\r\n")).toBe(text.includes("\r\n"));
      expect(home.install("vscode")).toBe("unchanged");
      expect(home.install("vscode", { args: ["mcp"], command: "agent-vault" })).toBe("updated");
      expect(home.uninstall("vscode")).toBe("removed");
      expect(home.read("vscode").replaceAll(/\s/g, "")).toBe(text.replaceAll(/\s/g, ""));
    }
  });

  it("loses no comment around an entry that is taken out", () => {
    const home = new Home();
    const ours = '"agent-vault": { "command": "agent-vault", "args": ["mcp"] }';
    home.write("vscode", `{ "servers": {\n  // a\n  ${ours}, // b\n  // c\n  "other": {}\n} }`);
    expect(home.uninstall("vscode")).toBe("removed");
    expect(home.read("vscode")).toBe('{ "servers": {\n  // a\n // b\n  // c\n  "other": {}\n} }');
    home.write("vscode", `{ "servers": { // a\n${ours} } /* b */ }`);
    expect(home.uninstall("vscode")).toBe("removed");
    expect(home.read("vscode")).toBe('{ "servers": { // a\n } /* b */ }');
  });

  it("that cannot be read without a loss is left alone", () => {
    for (const text of ["{", '{"a": 1,, }', "[]", '{"mcpServers": []}', "null", '{"mcpServers": {}, "mcpServers": {"other": {}}}']) {
      const home = new Home();
      home.write("cursor", text);
      expect(() => home.install("cursor")).toThrowError(expect.objectContaining({ code: "INVALID_VALUE" }));
      expect(home.read("cursor")).toBe(text);
    }
  });

  it("keeps another server of the same name", () => {
    const home = new Home();
    const text = '{"mcpServers": {"agent-vault": {"command": "something-else", "args": ["mcp"]}}}';
    home.write("cursor", text);
    expect(() => home.install("cursor")).toThrowError(expect.objectContaining({ code: "CONFLICT" }));
    expect(() => home.uninstall("cursor")).toThrowError(expect.objectContaining({ code: "CONFLICT" }));
    expect(home.read("cursor")).toBe(text);
    expect(home.install("cursor", { name: "vault" })).toBe("added");
  });
});

describe("a configuration in TOML", () => {
  const PRESENT = `# mine\nmodel = "x" # keep\n\n[mcp_servers.other]\ncommand = "y"\nargs = [\n  "a", # first\n]\n\n# about the profile\n[profiles.one]\nwhen = 2026-01-01T00:00:00Z\n`;

  it("keeps every line that is not about the server", () => {
    const home = new Home();
    home.write("codex", PRESENT);
    expect(home.install("codex")).toBe("added");
    expect(home.read("codex").startsWith(PRESENT)).toBe(true);
    expect(home.read("codex")).toContain('[mcp_servers.agent-vault]\ncommand = "/usr/bin/node"\n');
    expect(home.uninstall("codex")).toBe("removed");
    expect(home.read("codex").trim()).toBe(PRESENT.trim());
  });

  it("has the table of the server replaced wherever it is, with what is in it", () => {
    const home = new Home();
    const ours = `[mcp_servers."agent-vault"]\ncommand = "agent-vault"\nargs = ["mcp"]\n\n[mcp_servers.agent-vault.env]\nX = "1"\n\n`;
    home.write("codex", PRESENT.replace("# about", `${ours}# about`));
    expect(home.install("codex")).toBe("updated");
    expect(home.read("codex").startsWith(PRESENT)).toBe(true);
    expect(home.read("codex")).not.toContain('X = "1"');
    expect(home.uninstall("codex")).toBe("removed");
    expect(home.read("codex").trim()).toBe(PRESENT.trim());
  });

  it("that is written in a way that lines do not tell is left alone", () => {
    for (const text of [
      'mcp_servers = { agent-vault = { command = "agent-vault", args = ["mcp"] } }\n',
      "[",
      'x = """\n[mcp_servers.agent-vault]\n"""\n[mcp_servers.agent-vault]\ncommand="agent-vault"\nargs=["mcp"]\n',
    ]) {
      const home = new Home();
      home.write("codex", text);
      expect(() => home.install("codex")).toThrowError(expect.objectContaining({ code: "INVALID_VALUE" }));
      expect(home.read("codex")).toBe(text);
    }
  });
});
