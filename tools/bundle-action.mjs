// Bundles the GitHub Action from the built packages into the one file that GitHub runs, which is committed: node tools/bundle-action.mjs
// With --check it writes nothing, and fails where what is committed is not what the sources make.
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import process from "node:process";
import { build } from "esbuild";
import { root } from "./setup.mjs";

const dist = join(root, "packages/action/dist");

const { outputFiles, metafile } = await build({
  absWorkingDir: root,
  entryPoints: ["packages/action/src/main.ts"],
  outfile: "packages/action/dist/index.js",
  write: false,
  metafile: true,
  bundle: true,
  minify: true,
  keepNames: true,
  platform: "node",
  format: "esm",
  target: "node20",
  legalComments: "none",
  logLevel: "warning",
  banner: { js: 'import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);' },
  plugins: [withoutUnused(/^@actions\//)],
  // The ledger's, none of which is reached.
  external: ["@tursodatabase/*", "@napi-rs/*", "@opentelemetry/*"],
});
const missing = Object.values(metafile.outputs).flatMap(({ imports }) => imports.filter(({ path }) => !isBuiltin(path)));
if (missing.length > 0) throw new Error(`The bundle would look for ${missing.map(({ path }) => path).join(", ")} when it runs.`);
const files = new Map([
  ["index.js", outputFiles[0].text],
  ["LICENSES.txt", licensesOf(Object.values(metafile.outputs)[0].inputs)],
]);

if (process.argv.includes("--check")) {
  for (const [name, text] of files) {
    const file = join(dist, name);
    if (existsSync(file) && readFileSync(file, "utf8") === text) continue;
    process.stderr.write(`packages/action/dist/${name} is not what the sources make: run npm run bundle:action and commit it.\n`);
    process.exitCode = 1;
  }
} else {
  mkdirSync(dist, { recursive: true });
  for (const [name, text] of files) writeFileSync(join(dist, name), text);
}

/** The toolkit says of none of its modules that importing it does nothing, and would bring along an HTTP client that nobody calls. */
function withoutUnused(packages) {
  return {
    name: "without-unused",
    setup({ onResolve, resolve }) {
      onResolve({ filter: packages }, async ({ path, pluginData, ...where }) => {
        if (pluginData === "resolving") return undefined;
        const found = await resolve(path, { ...where, pluginData: "resolving" });
        return { ...found, sideEffects: false };
      });
    },
  };
}

/** What the bundled packages ask to be passed on. */
function licensesOf(inputs) {
  const used = Object.keys(inputs).filter((input) => inputs[input].bytesInOutput > 0);
  const packages = new Set(used.flatMap((input) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? []));
  const texts = [...packages].toSorted().map((folder) => {
    const { name, license } = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
    const file = readdirSync(join(root, folder)).find((entry) => /^licen[cs]e(?:\.|$)/i.test(entry));
    return `${name} (${license})\n\n${file ? readFileSync(join(root, folder, file), "utf8").trim() : ""}\n`;
  });
  return texts.join(`\n${"-".repeat(80)}\n\n`);
}
