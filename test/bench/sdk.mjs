// A program's first secret, and its ten thousandth: the Node SDK beside a .env file, which protects nothing, and beside age.
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import { BARE_NODE } from "./machine.mjs";
import { comparison, medians } from "./measure.mjs";
import { buildVault } from "./vault.mjs";

const ROUNDS = 41;
const READS = 10_000;
const ROOT = resolve(import.meta.dirname, "../..");

export function measure({ hasAge, withMachine, say }) {
  return withMachine(async (machine) => {
    const { files } = await buildVault(machine, { secrets: 100, recipients: 10 });
    const path = files[0].replace(/^.*\/secrets\/|\.enc$/g, "");
    writeFileSync(join(machine.repository, ".env"), "TOKEN=the value of a token\n");
    const modules = join(machine.root, "node_modules");
    mkdirSync(modules);
    symlinkSync(join(ROOT, "sdk-node"), join(modules, "agent-vault"));
    symlinkSync(join(ROOT, "node_modules/dotenv"), join(modules, "dotenv"));
    const program = (name, text) => {
      writeFileSync(join(machine.root, name), text);
      return () => machine.run(process.execPath, join(machine.root, name));
    };
    const reads = (loop) => `import { Vault } from "agent-vault";\nconst vault = new Vault({ repoPath: "." });\n${loop}\n`;
    const get = `await vault.get(${JSON.stringify(path)})`;

    const first = medians(
      {
        bareNode: () => machine.run(...BARE_NODE),
        sdk: program("first.mjs", reads(`if (!(${get})) throw new Error();`)),
        required: program(
          "first.cjs",
          `const { Vault } = require("agent-vault");\nnew Vault({ repoPath: "." }).get(${JSON.stringify(path)});\n`,
        ),
        dotenv: program("dotenv.cjs", 'require("dotenv").config({ quiet: true });\nif (!process.env.TOKEN) throw new Error();\n'),
        ...(hasAge && { age: () => machine.run("age", "-d", "-i", machine.ownerKey, join(machine.repository, files[0])) }),
      },
      ROUNDS,
    );
    say(`reading ${READS} times`);
    const many = medians(
      {
        ordered: program("ordered.mjs", reads(`for (let count = 0; count < ${READS}; count++) ${get};`)),
        together: program("together.mjs", reads(`await Promise.all(Array.from({ length: ${READS} }, async () => ${get}));`)),
        dotenv: program(
          "many-dotenv.cjs",
          `for (let count = 0; count < ${READS}; count++) require("dotenv").parse("TOKEN=the value of a token");\n`,
        ),
        ...(hasAge && { age: () => READS * first.age }),
      },
      3,
    );
    return [
      comparison("SDK, first secret", first.sdk, "dotenv", first.dotenv),
      comparison("SDK, first secret", first.sdk, "node -e 0", first.bareNode, {
        says: "within 100 ms",
        reached: first.sdk - first.bareNode <= 100,
      }),
      comparison("SDK by require, first secret", first.required, "dotenv", first.dotenv),
      ...(hasAge ? [comparison("SDK, first secret", first.sdk, "age -d", first.age)] : []),
      comparison("SDK, 10,000 gets in a row", many.ordered, "dotenv parses", many.dotenv, {
        says: "within 10 s",
        reached: many.ordered <= 10_000,
      }),
      comparison("SDK, 10,000 gets at once", many.together, "dotenv parses", many.dotenv),
      ...(hasAge ? [comparison("SDK, 10,000 gets in a row", many.ordered, "10,000 age -d", many.age)] : []),
    ];
  });
}
