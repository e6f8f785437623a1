import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  distinctVariables,
  parseEnvFile,
  parseInjectArgument,
  parseSecretArgument,
  parseTemplate,
  requireVariableName,
  secretsIn,
  type TemplatePart,
} from "#runner/index.js";
import { parseSecretPath, variableName, type SecretPath } from "#vault/index.js";
import { rounds } from "../../support/slow.js";

const RUNS = { numRuns: rounds(1500, 100_000) };

function failure(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return `${code} ${message}`;
  }
  throw new Error("it did not fail");
}

/** An env file's variables, references as `<path>`. */
function env(text: string): Record<string, string> {
  const shown = (parts: readonly TemplatePart[]) => parts.map((part) => (typeof part === "string" ? part : `<${part.secret}>`)).join("");
  return Object.fromEntries(parseEnvFile(text, ".env").map(({ name, value }) => [name, shown(value)]));
}

describe("an env file", () => {
  it.each<[what: string, text: string, expected: Record<string, string>]>([
    ["nothing", "", {}],
    ["comments alone", "# a\n\n  # b", {}],
    ["a value", "A=1", { A: "1" }],
    ["blanks", "  A = 1 2  \n\tB=2\n", { A: "1 2", B: "2" }],
    ["export", "export A=1", { A: "1" }],
    ["no value", "A=\nB=", { A: "", B: "" }],
    ["an equals sign in a value", "A=b=c==", { A: "b=c==" }],
    ["a comment after a value", "A=1 # one\nB=a#b\nC= # none", { A: "1", B: "a#b", C: "" }],
    ["Windows' lines and a byte order mark", "\uFEFFA=1\r\nB='2\r\n3'\r\n", { A: "1", B: "2\n3" }],
    ["single quotes", "A=' a\\n\"$B # c ' # d", { A: ' a\\n"$B # c ' }],
    ["double quotes", 'A=" a\\n\\t\\"\\\\\\$\\x # c " # d', { A: ' a\n\t"\\$\\x # c ' }],
    ["values over lines", "A='a\nb\n'\nB=\"c\nd\"\nC=3", { A: "a\nb\n", B: "c\nd", C: "3" }],
    ["what a shell would run or expand", "A=$(id) `id` $HOME ${HOME}", { A: "$(id) `id` $HOME ${HOME}" }],
    ["a reference", "A=vault://stripe/api-key", { A: "<stripe/api-key>" }],
    ["a reference in quotes", "A='vault://a/b'\nB=\"vault://a/b\"", { A: "<a/b>", B: "<a/b>" }],
    ["a reference without a group", "A=vault://token", { A: "<default/token>" }],
    ["references in a value", "A=postgres://vault://db/user:vault://db/pass@host/x", { A: "postgres://<db/user>:<db/pass>@host/x" }],
    ["references that end by braces", "A={{ vault://db/host }}/x{{vault://db/y}}.z", { A: "<db/host>/x<db/y>.z" }],
    ["what only looks like a reference", "A=myvault://a/b {{ x }} vault:/a", { A: "myvault://a/b {{ x }} vault:/a" }],
  ])("with %s", (_what, text, expected) => {
    expect(env(text)).toEqual(expected);
  });

  it.each<[what: string, text: string, failure: string]>([
    ["no equals sign", "A=1\n  B\n", "INVALID_VALUE .env, line 2, column 3: here is no NAME=value."],
    ["no name", "=1", "INVALID_VALUE .env, line 1, column 1: "],
    ["a quote that stays open", "A='b\nC=1\n", "INVALID_VALUE .env, line 1, column 3: the quote ' is not closed."],
    ["an open double quote", 'A=1\nB="\\"', 'INVALID_VALUE .env, line 2, column 3: the quote " is not closed.'],
    ["more after a quote", "A='b'c", "INVALID_VALUE .env, line 1, column 6: something follows"],
    ["a name that is none", "1A=b", 'INVALID_VARIABLE .env, line 1: "1A" is not the name of a variable.'],
    ["a name that is reserved", "\nNODE_OPTIONS=--require x", "INVALID_VARIABLE .env, line 2: The variable NODE_OPTIONS "],
    ["a name twice", "A=1\nB=2\nA=1", "INVALID_VARIABLE .env sets A twice, in line 1 and in line 3."],
    ["a reference to nothing", "A=x\nB= vault://", "INVALID_REFERENCE .env, line 2, column 4: "],
    [
      "a reference with a slash too many",
      "A=vault://db/x/",
      "INVALID_REFERENCE .env, line 1, column 3: vault://db/x/ is not the name of a secret.",
    ],
    ["braces that stay open", "A={{ vault://a/b }", "INVALID_REFERENCE .env, line 1, column 3: "],
    ["more than a name in braces", "A={{ vault://a/b | upper }}", "INVALID_REFERENCE .env, line 1, column 3: "],
  ])("with %s is refused", (_what, text, expected) => {
    expect(failure(() => env(text))).toContain(expected);
  });

  it("gives back every value that was written into it", () => {
    const name = fc.stringMatching(/^V_[A-Z0-9_]{0,8}$/);
    const value = fc.string({ unit: fc.constantFrom(..."ab '\"\\#=\n\t$`{}@:/€".split("")) });
    const entries = fc.uniqueArray(fc.tuple(name, value, fc.boolean()), { selector: ([name]) => name, maxLength: 6 });
    fc.assert(
      fc.property(entries, (written) => {
        const lines = written.map(([name, value, single]) =>
          single && !value.includes("'") ? `${name}='${value}'` : `${name}="${value.replaceAll(/[\\"]/g, "\\$&")}" # c`,
        );
        expect(env(lines.join("\n"))).toEqual(Object.fromEntries(written.map(([name, value]) => [name, value])));
      }),
      RUNS,
    );
  });

  it("is read or refused, whatever it holds", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."A='\"\\# \n{}vault:/x".split(""), "vault://", "{{ vault://") }), (text) => {
        try {
          parseEnvFile(text, ".env");
        } catch (error) {
          expect((error as { code: string }).code).toMatch(/^INVALID_(?:VALUE|VARIABLE|REFERENCE)$/);
        }
      }),
      RUNS,
    );
  });

  it("of many lines is read at once", () => {
    const text = Array.from({ length: 20_000 }, (_, index) => `V${index}=vault://a/b # c`).join("\n");
    expect(parseEnvFile(text, ".env").length).toBe(20_000);
    expect(env(`A="${"\\\\".repeat(500_000)}"`)["A"]).toBe("\\".repeat(500_000));
    expect(failure(() => env(`A="${"\\".repeat(1_000_000)}`))).toContain("is not closed");
  });
});

describe("a template", () => {
  const bytes = (text: string) => Buffer.from(text);
  const fill = (text: string, values: Record<string, string | Uint8Array>) =>
    Buffer.from(
      parseTemplate(bytes(text), "t").filledWith(
        new Map(Object.entries(values).map(([path, value]) => [parseSecretPath(path), Buffer.from(value)])),
      ),
    ).toString();

  it("takes values in the place of references", () => {
    expect(fill("a: {{ vault://x/y }}\nb: {{vault://x/y}}{{\tvault://z  }}", { "x/y": "1", z: "2" })).toBe("a: 1\nb: 12");
    expect(parseTemplate(bytes("{{ vault://x/y }}{{ vault://x/y }}{{ vault://default/z }}{{ vault://z }}"), "t").secrets).toEqual([
      "x/y",
      "default/z",
    ]);
  });

  it("leaves all else as it is, and so what is in a value", () => {
    const text = "{{ .Values.x }} {{{ y }}} vault://x/y {{ x vault://x/y }} ${A} {{\nvault://a }} {{";
    expect(fill(text, {})).toBe(text);
    expect(fill("{{{ vault://x/y }}}", { "x/y": "{{ vault://x/y }}" })).toBe("{{{ vault://x/y }}}");
  });

  it.each([
    ["a\n {{ vault://}}", "2, column 2"],
    ["{{ vault:///x }}", "1, column 1"],
    ["{{ vault://x/y }", "1, column 1"],
    ["{{ vault://x/y\n}}", "1, column 1"],
    ["{{ vault://x/../y }}", "1, column 1"],
    ["{{ vault://x/y | upper }}", "1, column 1"],
    ["{{ vault://x/y {{ vault://x/y }}", "1, column 1"],
    ["{{ vault://a/b }}\n{{ vault://x.enc/y }}", "2, column 1"],
  ])("with a wrong reference is refused: %j", (text, place) => {
    expect(failure(() => parseTemplate(bytes(text), "t"))).toContain(`INVALID_REFERENCE t, line ${place}: `);
  });

  it("of any bytes is filled with any bytes", () => {
    const piece = fc.oneof(
      fc.uint8Array({ max: 255 }).map((piece) => piece.filter((byte) => byte !== 0x7b)),
      fc.constantFrom<SecretPath>("a/b" as SecretPath, "c/d" as SecretPath),
    );
    fc.assert(
      fc.property(fc.array(piece), fc.uint8Array(), fc.uint8Array(), (pieces, first, second) => {
        const values = new Map([
          ["a/b" as SecretPath, first],
          ["c/d" as SecretPath, second],
        ]);
        const written = pieces.map((one) => (typeof one === "string" ? bytes(`{{ vault://${one} }}`) : one));
        const expected = pieces.map((one) => (typeof one === "string" ? values.get(one)! : one));
        const template = parseTemplate(new Uint8Array(Buffer.concat(written)), "t");
        expect(Buffer.from(template.filledWith(values)).equals(Buffer.concat(expected))).toBe(true);
      }),
      RUNS,
    );
  });

  it("that has all of its braces open is read at once", () => {
    expect(fill("{{ ".repeat(300_000), {})).toBe("{{ ".repeat(300_000));
    expect(parseTemplate(bytes("{{ vault://a }}\n".repeat(50_000)), "t").secrets).toEqual(["default/a"]);
  });
});

describe("a variable", () => {
  it.each([
    ["stripe/api-key", "STRIPE_API_KEY"],
    ["default/token", "TOKEN"],
    ["postgres/prod/password", "POSTGRES_PROD_PASSWORD"],
    ["a.b/c_d", "A_B_C_D"],
    ["2fa/seed", "_2FA_SEED"],
  ])("of %s is %s", (path, name) => {
    expect(variableName(parseSecretPath(path))).toBe(name);
    expect(parseSecretArgument(path)).toEqual({ variable: name, secret: path });
  });

  it("is given with its secret, either way around", () => {
    const expected = { variable: "KEY", secret: "stripe/api-key" };
    expect(parseSecretArgument("stripe/api-key=KEY")).toEqual(expected);
    expect(parseInjectArgument("KEY=stripe/api-key")).toEqual(expected);
    expect(parseSecretArgument("token=_k1")).toEqual({ variable: "_k1", secret: "default/token" });
  });

  it.each([
    [() => parseSecretArgument(""), "INVALID_NAME"],
    [() => parseSecretArgument("a/b/=X"), "INVALID_NAME"],
    [() => parseSecretArgument("a/b="), "INVALID_VARIABLE"],
    [() => parseSecretArgument("a/b=X=Y"), "INVALID_VARIABLE"],
    [() => parseSecretArgument("a/b=1X"), "INVALID_VARIABLE"],
    [() => parseSecretArgument("a/b=X-Y"), "INVALID_VARIABLE"],
    [() => parseSecretArgument("path"), "INVALID_VARIABLE"],
    [() => parseInjectArgument("a/b"), "USAGE"],
    [() => parseInjectArgument("X="), "INVALID_NAME"],
    [() => parseInjectArgument("LD_PRELOAD=a/b"), "INVALID_VARIABLE"],
  ])("is refused: %s", (run, code) => {
    expect(failure(run)).toContain(code);
  });

  it("is none that changes what programs load or run", () => {
    const reserved =
      "PATH Path HOME LD_PRELOAD LD_LIBRARY_PATH DYLD_INSERT_LIBRARIES NODE_OPTIONS NODE_PATH BASH_ENV ENV PYTHONPATH PYTHONSTARTUP PERL5OPT RUBYOPT GIT_SSH_COMMAND GIT_EXTERNAL_DIFF GIT_CONFIG_COUNT GIT_CONFIG_KEY_0 npm_config_script_shell EDITOR PAGER IFS PS4 JAVA_TOOL_OPTIONS AGENT_VAULT_KEY AGENT_VAULT_TOKEN XDG_CONFIG_HOME SSH_ASKPASS CLASSPATH";
    const free =
      "GIT_TOKEN GITHUB_TOKEN NPM_TOKEN NODE_AUTH_TOKEN NPM_CONFIG_TOKEN PYTHON_API_KEY PYPI_TOKEN ENVIRONMENT DB_PATH HOMEPAGE JAVA_KEY PGPASSWORD";
    const isReserved = (name: string) => {
      try {
        return requireVariableName(name) !== name;
      } catch (error) {
        return (error as { code: string }).code === "INVALID_VARIABLE";
      }
    };
    expect(reserved.split(" ").filter((name) => !isReserved(name))).toEqual([]);
    expect(free.split(" ").filter(isReserved)).toEqual([]);
  });

  it("holds one secret", () => {
    const [a, b] = [parseSecretPath("a/x"), parseSecretPath("b/x")];
    expect(
      distinctVariables([
        { variable: "X", secret: a },
        { variable: "Y", secret: b },
        { variable: "X", secret: a },
      ]),
    ).toEqual([
      { variable: "X", secret: a },
      { variable: "Y", secret: b },
    ]);
    expect(
      failure(() =>
        distinctVariables([
          { variable: "X", secret: a },
          { variable: "X", secret: b },
        ]),
      ),
    ).toBe("INVALID_VARIABLE The variable X cannot hold both a/x and b/x.");
  });

  it("may have secrets among its parts, each once", () => {
    const [entry] = parseEnvFile("A=vault://a/x:vault://b/x:vault://a/x", ".env");
    expect(secretsIn(entry!.value)).toEqual(["a/x", "b/x"]);
  });
});
