import { spawn } from "node:child_process";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { splitBashLine } from "#cli/completions/bash-line.js";
import { allCommands } from "../support/commands.js";
import { lacks } from "../support/programs.js";
import { CLI, errorCode, Sandbox } from "../support/sandbox.js";
import { makeVault } from "../support/vault.js";

const SHELLS = ["bash", "zsh", "fish", "powershell"] as const;

/** A command line up to the cursor, and the words that may stand there, sorted. */
const CASES: Readonly<Record<string, readonly string[]>> = {
  "agent-vault gr": ["grant"],
  "agent-vault hoo": ["hook"],
  "agent-vault hook ": ["install", "status", "uninstall"],
  "agent-vault hook uni": ["uninstall"],
  "agent-vault completions f": ["fish"],
  // Flags: those of the command, none twice that may stand once.
  "agent-vault list --g": ["--group"],
  "agent-vault list --json --js": [],
  "agent-vault list -C . --d": ["--directory"],
  "agent-vault set a/b --agents x --ag": ["--agents"],
  "agent-vault --v": ["--version"],
  // Values of flags.
  "agent-vault set a/b --access r": ["read", "read-write"],
  "agent-vault set a/b --access=a": ["--access=admin"],
  "agent-vault list --group ": ["default", "postgres", "stripe"],
  "agent-vault list --group=st": ["--group=stripe"],
  "agent-vault set a/b --agents w": ["web"],
  "agent-vault set a/b --agents billing-agent,": ["billing-agent,web"],
  "agent-vault set a/b --agents=web,b": ["--agents=web,billing-agent"],
  "agent-vault set a/b --expires 9": [],
  // Arguments.
  "agent-vault grant ": ["billing-agent", "web"],
  "agent-vault remove-agent b": ["billing-agent"],
  "agent-vault revoke web s": ["stripe", "stripe/api-key", "stripe/webhook"],
  "agent-vault revoke --dry-run --key k web stripe/w": ["stripe/webhook"],
  "agent-vault grant web d": ["default", "default/token"],
  "agent-vault get postgres/p": ["postgres/prod/password"],
  "agent-vault get -- str": ["stripe/api-key", "stripe/webhook"],
  "agent-vault get t": ["token"],
  "agent-vault get default/": ["default/token"],
  "agent-vault move token t": [],
  "agent-vault add-agent w": [],
  "agent-vault get token t": [],
  // Another vault, none, and a word that is no command.
  'agent-vault -C "../other vault" get ': ["other/secret"],
  'agent-vault get -C "../other vault" o': ["other/secret"],
  "agent-vault -C ~ get t": [],
  "agent-vault gti t": [],
};

/** Lines for an interactive shell, with files, which it completes itself. */
const TYPED: Readonly<Record<string, readonly string[]>> = {
  "agent-vault gr": ["grant"],
  "agent-vault get postgres/p": ["postgres/prod/password"],
  "agent-vault revoke web s": ["stripe", "stripe/api-key", "stripe/webhook"],
  "agent-vault list --group=st": ["--group=stripe"],
  "agent-vault add-agent my": [],
  'agent-vault get "to': ["token"],
  'agent-vault -C "../other vault" get o': ["other/secret"],
  "agent-vault get --key my\\ fi": ["my file"],
  "agent-vault get --key=my\\ fi": ["--key=my file"],
  "agent-vault -C my": ["my folder"],
  "~/bin/agent-vault get to": ["token"],
};

describe("completions", () => {
  it("prints a script for each of four shells, and names them where it is asked for another", async () => {
    const box = new Sandbox({ git: false });
    for (const shell of SHELLS) expect(await box.ok("completions", shell)).toContain("agent-vault");
    for (const words of [["completions"], ["completions", "csh"]]) {
      const refused = await box.cli(words);
      expect(refused.code).toBe(2);
      expect(errorCode(refused)).toBe("USAGE");
      for (const shell of SHELLS) expect(refused.stderr).toContain(shell);
    }
  });

  it("takes for granted that every flag takes one value, of which oclif's manifest says nothing", async () => {
    for (const [id, { flags }] of await allCommands()) {
      for (const [name, flag] of Object.entries(flags ?? {}))
        expect([id, name, "multiple" in flag && flag.multiple && !flag.multipleNonGreedy]).toEqual([id, name, false]);
    }
  });

  it("offers every command and every flag of every command, each with a description", async () => {
    const box = new Sandbox({ git: false });
    const all = await allCommands();
    const commands = (await ask(box, ["completions", "zsh", "--words", "0", "--", ""])).map(([word]) => word!);
    expect(commands.toSorted()).toEqual([...new Set([...all.keys()].map((id) => id.split(" ")[0]!))].toSorted());
    for (const [id, { flags, baseFlags }] of all) {
      const words = id.split(" ");
      const offered = await ask(box, ["completions", "zsh", "--words", String(words.length), "--", ...words, "--"]);
      const shown = Object.entries({ ...baseFlags, ...flags }).filter(([, { hidden }]) => !hidden);
      expect(offered.map(([word]) => word!).toSorted()).toEqual(["--help", ...shown.map(([name]) => `--${name}`)].toSorted());
      expect(offered.filter(([, description]) => !description)).toEqual([]);
    }
  });

  it("leaves files and folders to the shell", async () => {
    const box = new Sandbox({ git: false });
    const answer = async (...words: string[]) =>
      (await box.cli(["completions", "fish", "--words", String(words.length - 1), "--", ...words])).stdout.toString();
    expect(await answer("get", "--key", "")).toBe(":files\n");
    expect(await answer("get", "--key=ow")).toBe(":files\n");
    expect(await answer("set", "a/b", "--from-file", "")).toBe(":files\n");
    expect(await answer("add-agent", "web", "--out", "")).toBe(":files\n");
    expect(await answer("restore-agent", "--to", "")).toBe(":files\n");
    expect(await answer("scan", "one", "t")).toBe(":files\n");
    expect(await answer("-C", "")).toBe(":folders\n");
    expect(await answer("get", "--directory=x")).toBe(":folders\n");
    expect(await answer("init", "x")).toBe(":folders\n");
  });

  it("offers nothing and says nothing where there is no vault, or a broken one, and touches nothing in any", async () => {
    const box = new Sandbox();
    const question = ["completions", "zsh", "--words", "1", "--", "grant", ""];
    const silent = { code: 0, signal: null, stdout: Buffer.alloc(0), stderr: "" };
    expect(await box.cli(question)).toEqual(silent);

    await makeVault(box, {}, { web: [] });
    box.write(".agent-vault/manifest.yaml", 'version: 1\nagents:\n- name: web\n  groups: ["a\\nevil\\e[2J"]\n- name: "two words"\n');
    const before = box.git("status", "--porcelain", "--ignored");
    expect((await box.cli(question)).stdout.toString()).toBe("web\treads a evil [2J\n");
    expect(box.git("status", "--porcelain", "--ignored")).toBe(before);

    box.write(".agent-vault/manifest.yaml", "agents: [");
    expect(await box.cli(question)).toEqual(silent);
    expect(await box.cli(["completions", "powershell", "--words", "2", "--", "grant"])).toEqual(silent);
  });

  it("reads a line as bash does, and runs nothing of it", () => {
    expect(splitBashLine("agent-vault get ")).toEqual(["agent-vault", "get", ""]);
    expect(splitBashLine(`av -C 'a b'c "d \\" \\e" f\\ g`)).toEqual(["av", "-C", "a bc", 'd " \\e', "f g"]);
    expect(splitBashLine('av get "str')).toEqual(["av", "get", "str"]);
    expect(splitBashLine("av get '' \\")).toEqual(["av", "get", "", ""]);
    expect(splitBashLine("av list 2>/dev/null <in >> 'o ut' &>x --gr")).toEqual(["av", "list", "--gr"]);
    expect(splitBashLine("av get $(touch x) `y`")).toEqual(["av", "get", "$(touch", "x)", "`y`"]);
  });

  it("answers what the script of PowerShell asks, where an empty word at the end gets lost", async () => {
    const box = boxWithVaults();
    const answers: Record<string, readonly string[]> = {};
    for (const line of Object.keys(CASES)) {
      const words = splitBashLine(line).slice(1);
      const passed = words.at(-1) === "" ? words.slice(0, -1) : words;
      const answer = await ask(box, ["completions", "powershell", "--words", String(words.length - 1), "--", ...passed]);
      answers[line] = answer.map(([word]) => word!).toSorted();
    }
    expect(answers).toEqual(CASES);
  });

  describe.skipIf(lacks("bash"))("in bash", () => {
    it("fills COMPREPLY, also under set -u, by an alias and by the path of the program", async () => {
      const box = boxWithVaults();
      const script = `set -eu
        source <(agent-vault completions bash)
        compopt() { COMPREPLY+=("compopt $1 $2"); }
        for line in "$@"; do
          words=\${line//=/ = }
          read -ra COMP_WORDS <<< "$words"
          case $words in *' ') COMP_WORDS+=('') ;; esac
          COMP_LINE=$line COMP_POINT=\${#line} COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
          $(complete -p agent-vault | sed 's/.*-F \\([^ ]*\\).*/\\1/') agent-vault "\${COMP_WORDS[COMP_CWORD]}" "\${COMP_WORDS[COMP_CWORD - 1]}"
          printf '%s\\n' "$line" \${COMPREPLY[@]+"\${COMPREPLY[@]}"} ''
        done`;
      const more = {
        "av get to": ["token"],
        [`${box.home}/bin/agent-vault get to`]: ["token"],
        "~/bin/agent-vault get to": ["token"],
        "agent-vault get --key ": ["compopt -o default"],
        "agent-vault get token > ": ["compopt -o default"],
        "agent-vault -C ": ["compopt -o dirnames"],
      };
      const { stdout, stderr } = await box.run(
        "bash",
        ["--norc", "--noprofile", "-c", script, "bash", ...Object.keys({ ...CASES, ...more })],
        { env: { PATH: box.path } },
      );
      expect(stderr).toBe("");
      // Where = breaks words, as it does from the start, bash wants what comes after it.
      const afterEquals = Object.entries(CASES).map(([line, words]) => [line, words.map((word) => word.replace(/^--[a-z]+=/, ""))]);
      expect(readAnswers(stdout.toString())).toEqual({ ...Object.fromEntries(afterEquals), ...more });
    });

    it.skipIf(lacks("script"))("completes the line that is being typed", async () => {
      const box = boxWithVaults();
      box.write("rc", `set -u; source <(agent-vault completions bash); bind '"\\t": insert-completions'`);
      expect(await typeLines(box, "bash --noprofile --norc -i", TYPED)).toEqual(TYPED);
    });
  });

  describe.skipIf(lacks("zsh"))("in zsh", () => {
    const bindings = `zstyle ':completion:all-matches:*' completer _all_matches _complete; zstyle ':completion:all-matches:*' insert true
      zle -C all-matches complete-word _generic; bindkey '^I' all-matches; ZSH_TRACE_GENERIC_WIDGET=; setopt nounset`;

    it.skipIf(lacks("script"))("completes the line that is being typed, by a script that is sourced", async () => {
      const box = boxWithVaults();
      box.write("rc", `autoload -U compinit; compinit -u -D; source <(agent-vault completions zsh); ${bindings}`);
      expect(await typeLines(box, "zsh -f -i", { ...CASES, ...TYPED })).toEqual({ ...CASES, ...TYPED });
    });

    it.skipIf(lacks("script"))("completes by a file on the fpath", async () => {
      const box = boxWithVaults();
      box.write("fpath/_agent-vault", await box.ok("completions", "zsh"));
      box.write("rc", `fpath=($PWD/fpath $fpath); autoload -U compinit; compinit -u -D; ${bindings}`);
      expect(await typeLines(box, "zsh -f -i", TYPED)).toEqual(TYPED);
    });
  });

  describe.skipIf(lacks("fish"))("in fish", () => {
    it("completes words, files and folders", async () => {
      const box = boxWithVaults();
      const script = `agent-vault completions fish | source
        for line in $argv
          echo $line
          complete -C $line | string replace -r '\\t.*' ''
          echo
        end`;
      const more = {
        "agent-vault get --key my": ["my file", "my folder/"],
        "agent-vault get --key=my\\ fi": ["--key=my file"],
        "agent-vault -C my": ["my folder/"],
        "~/bin/agent-vault get to": ["token"],
      };
      const { stdout, stderr } = await box.run("fish", ["--no-config", "-c", script, ...Object.keys({ ...CASES, ...more })], {
        env: { PATH: box.path },
      });
      expect(stderr).toBe("");
      expect(readAnswers(stdout.toString())).toEqual({ ...CASES, ...more });
    });
  });
});

describe.skipIf(lacks("pwsh"))("completions in PowerShell", () => {
  it("completes words", async () => {
    const box = boxWithVaults();
    const script = box.write(
      "complete.ps1",
      `agent-vault completions powershell | Out-String | Invoke-Expression
      foreach ($line in $args) {
        $line
        # Where there is nothing to offer, older versions throw.
        try { (TabExpansion2 -inputScript $line -cursorColumn $line.Length).CompletionMatches.CompletionText } catch { }
        ''
      }`,
    );
    const { stdout } = await box.run("pwsh", ["-NoProfile", "-NonInteractive", "-File", script, ...Object.keys(CASES)], {
      env: { PATH: box.path },
    });
    // It takes a,b for a list of two, and completes the last.
    const lastOfList = Object.entries(CASES).map(([line, words]) => [line, words.map((word) => word.replace(/^.*,/, ""))]);
    expect(readAnswers(stdout.toString())).toEqual(Object.fromEntries(lastOfList));
  });
});

/** A shell's folder with a vault that has no key and no git, beside another vault, and agent-vault on the path. */
function boxWithVaults(): Sandbox & { readonly path: string } {
  const box = new Sandbox({ git: false });
  const manifest = `version: 1
owners: [{ name: eric }]
agents: [{ name: web, groups: [stripe] }, { name: billing-agent }]
groups:
- { name: stripe, secrets: [stripe/api-key, stripe/webhook] }
- { name: postgres, secrets: [postgres/prod/password] }
- { name: default, secrets: [token] }
`;
  box.write(".agent-vault/manifest.yaml", manifest);
  for (const secret of ["stripe/api-key", "stripe/webhook", "postgres/prod/password", "default/token"])
    box.write(`.agent-vault/secrets/${secret}.enc`, "");
  box.write("../other vault/.agent-vault/manifest.yaml", "version: 1\n");
  box.write("../other vault/.agent-vault/secrets/other/secret.enc", "");
  box.write("my file", "");
  box.write("my folder/file", "");
  chmodSync(box.write(join(box.home, "bin/agent-vault"), `#!/bin/sh\nexec '${process.execPath}' '${CLI}' "$@"\n`), 0o755);
  return Object.assign(box, { path: `${join(box.home, "bin")}:${box.env["PATH"]}` });
}

/** What the callback answers: a word a line, with its description. */
async function ask(box: Sandbox, question: readonly string[]): Promise<string[][]> {
  const { code, stdout, stderr } = await box.cli(question);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout
    .toString()
    .split("\n")
    .slice(0, -1)
    .map((line) => line.split("\t"));
}

/** Paragraphs of a line and the words for it. */
function readAnswers(text: string): Record<string, string[]> {
  return Object.fromEntries(
    text
      .split("\n\n")
      .slice(0, -1)
      .map((paragraph) => paragraph.split("\n"))
      .map(([line, ...words]) => [line, words.toSorted()]),
  );
}

/**
 * Types each line into an interactive shell on a terminal of its own, with a TAB after it, which is bound to inserting all candidates.
 * Then it makes the line the arguments of printf, so that the shell itself says which words are there now.
 */
async function typeLines(
  box: Sandbox & { readonly path: string },
  shell: string,
  lines: Readonly<Record<string, unknown>>,
): Promise<Record<string, string[]>> {
  const child = spawn("script", ["--quiet", "--command", shell, "/dev/null"], {
    cwd: box.repository,
    env: { ...box.env, PATH: box.path, TERM: "dumb", INPUTRC: "/dev/null" },
  });
  onTestFinished(() => void child.kill());
  const answers: Record<string, string[]> = {};
  const waiting = Object.keys(lines);
  let typed: string | undefined;
  let screen = "";
  child.stdout.on("data", (chunk: Buffer) => {
    screen += chunk.toString();
    if (!screen.includes("\x1d")) return;
    if (typed !== undefined) answers[typed] = candidatesIn(typed, screen);
    screen = "";
    typed = waiting.shift();
    child.stdin.write(typed === undefined ? "exit\r" : `${typed}\t\x01printf '\\036%s' \x05; printf '\\035'\r`);
  });
  child.stdin.write("source ./rc; printf '\\035'\r");
  await new Promise((done) => child.on("close", done));
  return answers;
}

function candidatesIn(typed: string, screen: string): string[] {
  const before = splitBashLine(typed);
  const words = screen
    .slice(screen.indexOf("\x1e") + 1, screen.indexOf("\x1d"))
    .split("\x1e")
    .slice(before.length - 1)
    .map((word) => word.replace(/\/$/, ""));
  return words.length === 1 && words[0] === before.at(-1) ? [] : words.toSorted();
}
