import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { defineConfig, type Plugin } from "vitest/config";

/** Where a package's sources lie. */
const folders: Record<string, string> = { hooks: "hooks", "sdk-node": "sdk-node" };
const sourcesOf = (name: string) => join(import.meta.dirname, folders[name] ?? `packages/${name}`, "src");

/** Tests run the packages from their sources, by whatever name they are imported. */
const sources: Plugin = {
  name: "sources",
  enforce: "pre",
  async resolveId(specifier) {
    const [, name, file] = /^#([\w-]+)\/(.+)\.js$/.exec(specifier) ?? [];
    if (name) return join(sourcesOf(name), `${file}.ts`);
    const entry = /^@agent-vault\/(vault|ledger|runner|mcp|hooks)(\/.+)?$/.exec(specifier);
    return entry ? join(sourcesOf(entry[1]!), await entryFile(entry[1]!, entry[2] ?? "")) : undefined;
  },
  /** A worker or another process is started from what was built, as Node runs no TypeScript. */
  transform(code, id) {
    const [, folder, file] = /^(.*\/)src(\/.*)\.ts$/.exec(id) ?? [];
    if (!folder || !/new URL\("\.\/[\w-]+\.js", import\.meta\.url\)/.test(code)) return undefined;
    const built = JSON.stringify(pathToFileURL(`${folder}dist${file}.js`).href);
    return { code: code.replace(/(new URL\("\.\/[\w-]+\.js", )import\.meta\.url\)/g, `$1${built})`), map: null };
  },
};

async function entryFile(name: string, entry: string): Promise<string> {
  const { default: manifest } = (await import(join(sourcesOf(name), "../package.json"), { with: { type: "json" } })) as {
    default: { exports: Record<string, { default: string }> };
  };
  return manifest.exports[`.${entry}`]!.default.replace(/^\.\/dist\//, "").replace(/\.js$/, ".ts");
}

export default defineConfig({
  plugins: [sources],
  test: {
    include: ["test/**/*.test.ts"],
    // The built program is loaded as Node loads it.
    server: { deps: { external: [/\/packages\/cli\/bundle\//] } },
    globalSetup: ["test/support/untouched.ts", "test/support/machines.ts"],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // Each test has a home and a git configuration of its own; these guard against one that forgets.
    env: {
      AGENT_VAULT_AUDIT: "off",
      HOME: "/dev/null/home",
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_CONFIG_NOSYSTEM: "1",
      NODE_EXTRA_CA_CERTS: "",
      CI: "",
    },
    pool: "forks",
    maxWorkers: 3,
  },
});
