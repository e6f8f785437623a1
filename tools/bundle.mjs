// Bundles the command line: a file for each command, shared chunks beside them, and oclif's manifest with all that the commands say about
// themselves, for help and completion.
import { readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const cli = "packages/cli";
const bundle = join(cli, "bundle");
const outdir = `${bundle}.new`;
rmSync(outdir, { recursive: true, force: true });

const commands = readdirSync(join(cli, "dist/commands"), { recursive: true })
  .map(String)
  .filter((file) => file.endsWith(".js"));
await build({
  entryPoints: {
    main: join(cli, "dist/main.js"),
    "batch-worker": "packages/vault/dist/age/batch-worker.js",
    "left-behind-process": "packages/runner/dist/child/left-behind-process.js",
    "inspection-process": "packages/ledger/dist/database/inspection-process.js",
    ...Object.fromEntries(commands.map((file) => [`commands/${file.slice(0, -3)}`, join(cli, "dist/commands", file)])),
  },
  // This makes what `get` needs a part of every entry, and so one shared chunk in place of ten: each file that Node loads takes half a
  // millisecond.
  inject: [join(cli, "dist/fast-path/get.js"), join(cli, "dist/find-command.js")],
  outdir,
  bundle: true,
  splitting: true,
  minify: true,
  keepNames: true,
  platform: "node",
  format: "esm",
  target: "node20",
  // Native addons stay where they are installed.
  external: ["./turso.*.node", "@tursodatabase/database-*", "@napi-rs/keyring"],
  // A package's ES modules first: what nothing uses of them is left out, and jsonc-parser's other form looks for its parts when it runs.
  mainFields: ["module", "main"],
  legalComments: "none",
  logLevel: "warning",
  banner: { js: 'import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);' },
});

rmSync(bundle, { recursive: true, force: true });
renameSync(outdir, bundle);

const { Plugin } = await import("@oclif/core");
const plugin = new Plugin({ root: join(process.cwd(), cli), type: "core", ignoreManifest: true, errorOnManifestCreate: true });
await plugin.load();
writeFileSync(join(cli, "oclif.manifest.json"), JSON.stringify(plugin.manifest));
