import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  authorize,
  decide,
  explainDecision,
  judgeUse,
  parsePolicy,
  questionText,
  SessionApprovals,
  type Approver,
  type UseRequest,
} from "#runner/index.js";
import { approvedUse } from "#runner/approval/memory.js";
import { recordedRequest } from "#runner/use/recorded-request.js";
import { processContext, type VaultError, type VaultFiles } from "#vault/index.js";
import { rounds } from "../../support/slow.js";
import { policy, use, type Use } from "./requests.js";
import { REQUEST } from "./use-request.js";

const RULES = {
  any: '- {secrets: "**", allow: all}',
  command: '- {secrets: "**", allow: {commands: npm test}}',
  listed: '- {secrets: "**", allow: {commands: npm test, env: [NODE_ENV, APP_*]}}',
  beside: '- {secrets: "**", allow: all, env: [NODE_ENV, "APP_*"]}',
};

/** Who asks, other than a person. */
const OTHERS: readonly Use[] = [{ door: "mcp" }, { harness: "codex" }, { byToken: true }];

describe("plain variables", () => {
  const allowed = (rules: keyof typeof RULES, version: number, given: Use) => decide(policy(RULES[rules], version), use(given)).allowed;

  it.each(OTHERS)("may be set by %j only where the rule lists them, in either version", (asker) => {
    for (const version of [1, 2]) {
      for (const rules of ["any", "command"] as const) {
        expect(allowed(rules, version, { ...asker, env: ["NODE_ENV"] })).toBe(false);
        expect(allowed(rules, version, { ...asker, env: ["LANG", "LC_ALL", "TZ", "TERM", "NO_COLOR", "CI"] })).toBe(true);
      }
      for (const rules of ["listed", "beside"] as const) {
        expect(allowed(rules, version, { ...asker, env: ["NODE_ENV", "APP_PORT", "CI"] })).toBe(true);
        expect(allowed(rules, version, { ...asker, env: ["NODE_ENV", "TAR_OPTIONS"] })).toBe(false);
        expect(allowed(rules, version, { ...asker, env: ["app_port"] })).toBe(false);
      }
    }
  });

  it.each(OTHERS)("may be set by %j nowhere without a policy, nor by one without rules", (asker) => {
    const request = use({ ...asker, env: ["TAR_OPTIONS"] });
    const open = parsePolicy(Buffer.from("version: 2\n"), "policy.yaml");
    for (const one of [undefined, open])
      expect(decide(one, request).secrets[0]).toMatchObject({ code: "POLICY_DENIED", unlisted: ["TAR_OPTIONS"] });
    for (const one of [undefined, open]) expect(decide(one, use({ ...asker, env: ["CI"] })).allowed).toBe(true);
  });

  it("are a person's own, but under a rule that lists some, and from version 2 on under one for commands", () => {
    const person = { env: ["TAR_OPTIONS"] };
    expect(decide(undefined, use(person)).allowed).toBe(true);
    for (const version of [1, 2]) expect([allowed("any", version, person), allowed("listed", version, person)]).toEqual([true, false]);
    expect([allowed("command", 1, person), allowed("command", 2, person)]).toEqual([true, false]);
    expect(allowed("command", 2, { env: [] })).toBe(true);
  });

  it("deny by their names, whatever their case and whatever they hold", () => {
    const rules = '- {secrets: "**", allow: all}\n- {secrets: "**", deny: {env: GIT_*}}';
    const holding = (name: string, holds: "secret" | "file" | "text"): UseRequest => ({
      ...use(),
      variables: [{ name, holds, value: "x" }],
    });
    for (const name of ["GIT_PAGER", "git_pager"])
      for (const holds of ["secret", "file", "text"] as const) expect(decide(policy(rules), holding(name, holds)).allowed).toBe(false);
    expect(decide(policy(rules), holding("DIGIT_X", "secret")).allowed).toBe(true);
  });

  it("that hold one secret and nothing else need no listing, and such as have text beside it do", () => {
    const holds = (kind: "secret" | "file" | "text"): UseRequest => ({
      ...use({ door: "mcp" }),
      variables: [{ name: "DATABASE_URL", holds: kind, value: "x" }],
    });
    const allows = (request: UseRequest) => decide(policy(RULES.command), request).allowed;
    expect([allows(holds("secret")), allows(holds("file")), allows(holds("text"))]).toEqual([true, true, false]);
  });
});

/** What programs take from their environment that has them run code, or go elsewhere. */
const RUN_CODE = (
  "TAR_OPTIONS TAPE RSYNC_RSH RSYNC_CONNECT_PROG RSYNC_PROXY RSYNC_OLD_ARGS GIT_SSH GIT_SSH_COMMAND GIT_ASKPASS GIT_EDITOR GIT_PAGER GIT_EXTERNAL_DIFF GIT_PROXY_COMMAND " +
  "GIT_CONFIG_GLOBAL GIT_CONFIG_COUNT GIT_EXEC_PATH GIT_TEMPLATE_DIR SSH_ASKPASS SSH_AUTH_SOCK DISPLAY CURL_HOME CURL_CA_BUNDLE ALL_PROXY HTTPS_PROXY https_proxy http_proxy " +
  "SSL_CERT_FILE SSL_CERT_DIR WGETRC NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS NPM_CONFIG_SCRIPT_SHELL npm_config_userconfig PYTHONSTARTUP PYTHONPATH PYTHONHOME " +
  "PYTHONINSPECT PYTHONBREAKPOINT PIP_INDEX_URL PIP_CONFIG_FILE UV_INDEX_URL VIRTUAL_ENV RUBYOPT RUBYLIB GEM_HOME BUNDLE_GEMFILE PERL5OPT PERL5LIB PERL5DB JAVA_TOOL_OPTIONS " +
  "_JAVA_OPTIONS JDK_JAVA_OPTIONS JAVA_HOME CLASSPATH MAVEN_OPTS GRADLE_OPTS GOFLAGS GOENV GOPROXY GOTOOLCHAIN CC CXX CGO_CFLAGS RUSTC RUSTC_WRAPPER RUSTFLAGS CARGO_HOME " +
  "CARGO_BUILD_RUSTC_WRAPPER CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER MAKEFLAGS MFLAGS GNUMAKEFLAGS MAKEFILES SHELL PSQLRC PSQL_EDITOR PSQL_PAGER PGSERVICEFILE " +
  "PGPASSFILE PGHOST AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE AWS_ENDPOINT_URL AWS_CA_BUNDLE AWS_PAGER KUBECONFIG KUBE_EDITOR KUBECTL_EXTERNAL_DIFF TF_CLI_CONFIG_FILE " +
  "TF_CLI_ARGS TF_PLUGIN_CACHE_DIR TERRAFORM_CONFIG DOCKER_HOST DOCKER_CONFIG DOCKER_CLI_PLUGIN_EXTRA_DIRS BUILDKIT_HOST LESSOPEN LESSCLOSE LESSKEY LESS MANPAGER MANPATH " +
  "MANOPT PAGER EDITOR VISUAL BROWSER BASH_ENV ENV IFS PROMPT_COMMAND ZDOTDIR LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT GCONV_PATH OPENSSL_CONF OPENSSL_MODULES TERMINFO TERMCAP XDG_CONFIG_HOME HOME PATH"
).split(" ");

describe("a variable that has a common program run code", () => {
  it("passes unseen by no judge, no matter who asks", async () => {
    expect(new Set(RUN_CODE).size).toBeGreaterThan(120);
    const before: UseRequest = { ...REQUEST, command: ["tar", "czf", "/dev/null", "data"] };
    const memory = new SessionApprovals();
    await memory.remember(approvedUse(before));
    for (const name of RUN_CODE) {
      const request: UseRequest = { ...before, variables: [{ name, holds: "text", value: "exec=./evil" }] };
      for (const asker of OTHERS) {
        const asked = { ...use({ ...asker, env: [name] }) };
        expect([name, decide(undefined, asked).allowed, decide(policy(RULES.command), asked).allowed]).toEqual([name, false, false]);
      }
      expect([name, decide(policy(RULES.command, 2), { ...use(), variables: request.variables }).allowed]).toEqual([name, false]);
      expect([name, await memory.isRemembered(approvedUse(request))]).toEqual([name, false]);
      expect(questionText(request).text).toContain(`Variables   | ${name}=exec=./evil`);
      expect(recordedRequest(request, "values")).toContain(`variable: ${name}=exec=./evil`);
    }
  });
});

describe("what a session remembers", () => {
  it("is the whole request: any other value of any of its fields is asked about again", async () => {
    const memory = new SessionApprovals();
    await memory.remember(approvedUse(REQUEST));
    const others: Partial<UseRequest>[] = [
      { door: "mcp" },
      { byToken: true },
      { cleanEnvironment: true },
      { output: "unscrubbed" },
      { template: { file: "x", out: undefined } },
      { variables: [{ name: "A", holds: "text", value: "" }] },
      { variables: [{ name: "A", holds: "secret", value: "vault://db/url" }] },
      { invocation: { ...REQUEST.invocation, harness: "codex" } },
    ];
    for (const other of others) expect([other, await memory.isRemembered(approvedUse({ ...REQUEST, ...other }))]).toEqual([other, false]);
    // A field that is added to requests later is part of it, too.
    expect(await memory.isRemembered(approvedUse({ ...REQUEST, later: 1 } as UseRequest))).toBe(false);
  });

  it("says in what a request differs from the one that is most like it", () => {
    const memory = new SessionApprovals();
    expect(memory.closest(REQUEST)).toBeUndefined();
    memory.noteAllowed({ ...REQUEST, command: ["other"], secrets: REQUEST.secrets.slice(1) });
    memory.noteAllowed(REQUEST);
    const now: UseRequest = { ...REQUEST, variables: [{ name: "TAR_OPTIONS", holds: "text", value: "--to-command=./x" }] };
    const { text } = questionText(now, undefined, memory.closest(now));
    expect(text).toMatch(/^Changed {5}\| Variables: now TAR_OPTIONS='?--to-command=\.\/x'?$/m);
    expect(text).not.toContain("no longer");
  });
});

describe("a sensitive secret that no rule is stricter about", () => {
  it("is asked about before a command, a template or a coding agent gets it, and not before a person prints it or a program reads it", () => {
    const rules = '- {secrets: "**", allow: {actions: [run, get, read, inject]}}';
    const approval = (given: Use, mayShow = false) =>
      decide(policy(rules), use({ environment: "production", ...given }), { mayShow }).approval;
    expect([approval({ action: "run" }), approval({ action: "inject" })]).toEqual(["session", "session"]);
    expect([approval({ action: "get" }), approval({ action: "read" })]).toEqual(["never", "never"]);
    expect([approval({ action: "get", harness: "codex" }), approval({ action: "get" }, true)]).toEqual(["session", "session"]);
  });

  it("is what a read through the command line is denied as by a rule that denies get", () => {
    const rules = '- {secrets: "**", allow: all}\n- {secrets: "**", deny: {actions: get}}';
    const allowed = (door: "cli" | "sdk") => decide(policy(rules), use({ action: "read", door })).allowed;
    expect([allowed("cli"), allowed("sdk")]).toEqual([false, true]);
  });
});

/** Anything that a rule can say, of what the uses below have or nearly have. */
const conditions = fc.dictionary(
  fc.constantFrom("agents", "harnesses", "commands", "actions", "env", "environments"),
  fc.constantFrom("billing", "codex", "npm test", "get", "read", "run", "NODE_ENV", "staging"),
  { minKeys: 1, maxKeys: 2 },
);
const isValid = (given: Readonly<Record<string, string>>) => {
  const { actions, env, commands: _, ...words } = given;
  if (Object.values(words).some((word) => word.includes(" "))) return false;
  return (actions === undefined || ["get", "read", "run"].includes(actions)) && (env === undefined || /^\w+$/.test(env));
};
const rule = fc.record(
  {
    secrets: fc.constantFrom("**", "stripe/*"),
    allow: fc.oneof(fc.constant("all"), conditions.filter(isValid)),
    deny: conditions.filter(isValid),
    when: conditions.filter(isValid),
    approval: fc.constantFrom("never", "session", "once", "always"),
  },
  { requiredKeys: ["secrets", "allow"] },
);
const given: fc.Arbitrary<Use> = fc.record(
  {
    action: fc.constantFrom("run", "get", "read", "inject"),
    secrets: fc.constantFrom(["stripe/api-key"], ["stripe/api-key", "db/url"]),
    agent: fc.constantFrom("billing", "owner:eric"),
    environment: fc.constantFrom("production", "staging"),
    access: fc.constantFrom("read", "admin"),
    harness: fc.constantFrom("codex"),
    door: fc.constantFrom("cli", "mcp", "sdk"),
    byToken: fc.boolean(),
    env: fc.constantFrom([], ["NODE_ENV"], ["CI"], ["TAR_OPTIONS"]),
  },
  { requiredKeys: [] },
);

describe("an explanation", () => {
  it("says what happens: who is refused, with which code, and who is asked", async () => {
    const context = processContext({ env: {} });
    await fc.assert(
      fc.asyncProperty(
        fc.option(fc.record({ version: fc.constantFrom(1, 2), rules: fc.array(rule, { maxLength: 3 }) }), { nil: undefined }),
        given,
        fc.boolean(),
        async (text, one, mayShow) => {
          const files = { read: () => text && Buffer.from(JSON.stringify(text)), signed: undefined } as unknown as VaultFiles;
          const request = use(one);
          const { parts, decision } = await judgeUse(files, [], request, { mayShow });
          const [explained] = parts.map(explainDecision);
          let asked = false;
          const approver: Approver = {
            ask: async () => {
              asked = true;
              return { scope: "once", by: "dialog" };
            },
          };
          const outcome = await authorize(context, { use: request, files, token: undefined, ledger: undefined, approver, mayShow }).then(
            () => "allowed",
            (error: unknown) => (error as VaultError).code,
          );
          const said = explained!.secrets.map((secret, index) => (secret.allowed ? "allowed" : decision.secrets[index]!.code));
          expect(said.find((code) => code !== "allowed") ?? "allowed").toBe(outcome);
          const sentences = explained!.secrets.map(({ decision: sentence }) => sentence.startsWith("Allowed"));
          expect(sentences.every(Boolean)).toBe(outcome === "allowed");
          const isSaid = explained!.secrets.some(({ approval }) => approval.startsWith("A person is asked"));
          if (outcome === "allowed") expect(asked).toBe(isSaid);
          else expect(asked).toBe(false);
        },
      ),
      { numRuns: rounds(400, 20_000) },
    );
  });
});
