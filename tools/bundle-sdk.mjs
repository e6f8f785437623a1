// Builds the package `agent-vault` for Node: CommonJS files with all that they need but native addons, and ES modules and types beside them that
// hand out the same classes, so that a program that uses both has one copy. Jest, ts-node and bundlers load it as it is.
import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { build, transform } from "esbuild";

const root = join(import.meta.dirname, "..");
const compiled = join(root, "sdk-node/build");
const dist = join(root, "sdk-node/dist");
const fresh = `${dist}.new`;
const cjs = join(fresh, "cjs");

const { outputFiles } = await build({
  absWorkingDir: root,
  entryPoints: {
    index: "sdk-node/build/index.js",
    "all-of-vault": "packages/vault/dist/index.js",
    "inspection-process": "packages/ledger/dist/database/inspection-process.js",
  },
  outdir: cjs,
  write: false,
  bundle: true,
  splitting: true,
  minifySyntax: true,
  minifyWhitespace: true,
  keepNames: true,
  platform: "node",
  format: "esm",
  target: "node20",
  // Native addons stay where they are installed.
  external: [
    "./turso.*.node",
    ...["android", "darwin", "freebsd", "linux", "wasm32", "win32"].map((system) => `@tursodatabase/database-${system}-*`),
    "@napi-rs/keyring",
    "./all-of-vault.js",
  ],
  mainFields: ["module", "main"],
  legalComments: "none",
  logLevel: "warning",
  define: { "import.meta.url": "__moduleUrl", "import.meta.dirname": "__dirname" },
  plugins: [requiringAllOfVault()],
});

rmSync(fresh, { recursive: true, force: true });
mkdirSync(cjs, { recursive: true });
for (const { path, text } of outputFiles) {
  const { code } = await transform(text, {
    format: "cjs",
    platform: "node",
    target: "node20",
    // Where there is no `import()`, as in Jest, it is a `require` that waits.
    supported: { "dynamic-import": false },
    minifySyntax: true,
    minifyWhitespace: true,
    logLevel: "warning",
  });
  const needsUrl = code.includes("__moduleUrl");
  const head = needsUrl ? `"use strict";const __moduleUrl=require("node:url").pathToFileURL(__filename).href;` : `"use strict";`;
  writeFileSync(join(cjs, basename(path)), head + code.replace(/^"use strict";/, "").replaceAll(/\b__require\((?=")/g, "require("));
}
writeFileSync(join(cjs, "package.json"), `${JSON.stringify({ type: "commonjs" })}\n`);
copyTypes(join(compiled, "index.d.ts"));
const names = Object.keys(await import(pathToFileURL(join(compiled, "index.js")).href));
writeFileSync(join(fresh, "index.cjs"), `module.exports = require("./cjs/index.js");\n`);
writeFileSync(join(fresh, "index.js"), `import sdk from "./index.cjs";\nexport const { ${names.join(", ")} } = sdk;\n`);
for (const name of ["index.d.cts", "index.d.ts"]) writeFileSync(join(fresh, name), `export * from "./cjs/index.js";\n`);
rmSync(dist, { recursive: true, force: true });
renameSync(fresh, dist);

/** What cannot wait needs all of the vault's package at once; here that is one file more, which is loaded when it is needed. */
function requiringAllOfVault() {
  return {
    name: "requiring-all-of-vault",
    setup({ onLoad }) {
      onLoad({ filter: /sdk-node\/build\/whole-vault\.js$/ }, () => ({
        contents: `export const wholeVault = () => require("./all-of-vault.js");`,
        resolveDir: cjs,
      }));
    },
  };
}

/** The declarations that a program sees, with those of the errors, which are the vault's package's own. */
function copyTypes(file, seen = new Set()) {
  if (seen.has(file)) return;
  seen.add(file);
  const text = readFileSync(file, "utf8").replace(/^\/\/# sourceMappingURL=.*\n?/m, "");
  const own = text.replaceAll(/^((?:import|export) .*from )"([^"]+)"/gm, (whole, before, name) => {
    if (name === "@agent-vault/vault/errors") {
      copyFileSync(join(root, "packages/vault/dist/errors.d.ts"), join(cjs, "vault-errors.d.ts"));
      return `${before}"./vault-errors.js"`;
    }
    if (!name.startsWith("./")) throw new Error(`${relative(root, file)} has types of ${name}, which the package does not hold.`);
    copyTypes(join(dirname(file), name.replace(/\.js$/, ".d.ts")), seen);
    return whole;
  });
  writeFileSync(join(cjs, basename(file)), own);
}
