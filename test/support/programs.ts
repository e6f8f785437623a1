import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";

/**
 * The programs that tests use beside what tools/bare-machine.mjs takes for granted. `probe` are the words with which the program
 * succeeds where it is the one that the tests know; `names` are the names that it goes by.
 */
const PROGRAMS = {
  age: {},
  "age-keygen": {},
  base32: {},
  basenc: {},
  bash: {},
  curl: {},
  fish: {},
  gzip: {},
  hexdump: {},
  iconv: {},
  jq: {},
  openssl: {},
  perl: {},
  pgrep: {},
  pr: {},
  ps: { probe: ["-o", "stat=", "-p", String(process.pid)] },
  python3: {},
  rev: {},
  script: { probe: ["--version"] },
  "ssh-keygen": {},
  xxd: {},
  yes: {},
  zsh: {},
  "GNU find": { names: ["find"], probe: ["/dev/null", "-printf", ""] },
  sha256sum: {},
  // These two cannot be installed everywhere, so nobody can insist on them.
  pwsh: { optional: true },
  Chromium: { names: ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"], optional: true },
} satisfies Record<string, Requirements>;

interface Requirements {
  readonly names?: readonly string[];
  readonly probe?: readonly string[];
  readonly optional?: boolean;
}

export type Program = keyof typeof PROGRAMS;

const told = new Set<string>();

/**
 * Whether to skip tests, as one of the programs that they use is not here. It is named on standard error; with
 * AGENT_VAULT_REQUIRE_TOOLS=1 the test file fails.
 */
export function lacks(...programs: readonly Program[]): boolean {
  const absent = programs.filter((program) => pathOf(program) === undefined);
  const required = absent.filter((program) => !(PROGRAMS[program] as Requirements).optional);
  return cannot(absent.length === 0, `${absent.join(" and ")} cannot be found.`, required.length > 0);
}

/** As `lacks`, for what else a machine may not allow. @param why a whole sentence that says what is missing */
export function cannot(able: boolean, why: string, required = true): boolean {
  if (able) return false;
  if (required && process.env["AGENT_VAULT_REQUIRE_TOOLS"] === "1")
    throw new Error(`${why} AGENT_VAULT_REQUIRE_TOOLS=1 makes that a failure.`);
  if (!told.has(why)) console.warn(`Skipped: ${why}`);
  told.add(why);
  return true;
}

/** Where a program is; `undefined` where there is none, or it is another one of that name. */
export function pathOf(program: Program): string | undefined {
  const { names = [program], probe }: Requirements = PROGRAMS[program];
  return names.flatMap(onPath).find((file) => probe === undefined || spawnSync(file, probe).status === 0);
}

function onPath(name: string): string[] {
  const files = (process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, name));
  return files.filter((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
