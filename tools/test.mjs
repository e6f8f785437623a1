// `npm test`: everything that CI runs. Words after `--` go to vitest and leave out the rest.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { root, setUp } from "./setup.mjs";

setUp();
const bin = (name) => join(root, "node_modules/.bin", name);
const only = process.argv.slice(2);
// Who signs this repository's own vault (.agent-vault): under CI, verify wants this said from outside of the vault.
const exampleOwner = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIaPewVve4ZATWn/ZmWBG6z6D2Cg/fn865Amiac55OM1";
const steps =
  only.length > 0
    ? [["Tests", bin("vitest"), ["run", ...only]]]
    : [
        ["Format", bin("oxfmt"), ["--check"]],
        ["Lint", bin("oxlint"), ["--type-aware", "--deny-warnings"]],
        ["Types", bin("tsc"), ["-b"]],
        ["Error codes", process.execPath, [join(root, "tools/errors.mjs"), "--check"]],
        ["Action", process.execPath, [join(root, "tools/bundle-action.mjs"), "--check"]],
        ["Packages", process.execPath, [join(root, "tools/pack.mjs"), "--check"]],
        ["Key material", process.execPath, [join(root, "packages/cli/bin/agent-vault.js"), "scan"]],
        ["Vault", process.execPath, [join(root, "packages/cli/bin/agent-vault.js"), "verify"], { AGENT_VAULT_OWNER: exampleOwner }],
        ["Tests", bin("vitest"), ["run"]],
        ["Python", process.execPath, [join(root, "tools/python.mjs")]],
      ];
for (const [title, command, args, variables] of steps) {
  process.stdout.write(`\n== ${title}\n`);
  const { status } = spawnSync(command, args, {
    cwd: root,
    env: { ...process.env, ...variables },
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  if (status !== 0) {
    process.stderr.write(`\n${title} failed.\n`);
    process.exit(status ?? 1);
  }
}
