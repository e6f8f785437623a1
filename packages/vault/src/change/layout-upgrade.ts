import type { Context } from "../context.js";
import { CONFIG_FILE, GITATTRIBUTES_FILE, GITIGNORE_FILE, MANIFEST_FILE } from "../format/layout.js";
import type { SecretPath } from "../format/names.js";
import type { FileChanges } from "../files/changes.js";
import type { VaultState } from "../files/vault-state.js";

const GITIGNORE = [
  "# agent-vault: block unencrypted key material",
  "*.key",
  "*.pem",
  "**/private.*",
  "!**/*.escrow",
  "!agents/*/public.key",
];
/** Without `binary`: unsigned rules at the top of the repository may give it another meaning. */
const EVERY_BYTE = "# agent-vault: every byte counts";
const GITATTRIBUTES = [
  `${EVERY_BYTE}, and git merges by what the vault's files mean`,
  "*.enc -diff",
  "*.escrow -diff",
  "* -text -filter -ident -working-tree-encoding merge=agent-vault",
];
/** What earlier versions wrote, the first without the other ways in which git changes a file on its way to the work tree. */
const FORMER_GITATTRIBUTES = [
  ...["* -text", "* -text -filter -ident -working-tree-encoding"].map((rule) => [EVERY_BYTE, rule, "*.enc binary", "*.escrow binary"]),
  [EVERY_BYTE, "*.enc -diff -merge", "*.escrow -diff -merge", "* -text -filter -ident -working-tree-encoding"],
];

/** A random UUID (RFC 9562, version 4) from the context's randomness. */
export function newVaultId(context: Context): string {
  const bytes = context.random(16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return Buffer.from(bytes)
    .toString("hex")
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/**
 * What every change brings along where the vault lacks it: an id, extra agents in the manifest, and git's rules for the folder.
 * A vault of agent-vault 0.1 gets all of them with its first change and stays in its layout.
 */
export function layoutUpgrade(context: Context, state: VaultState): FileChanges {
  const files = gitRules(state);
  if (state.config.id === undefined) files.set(CONFIG_FILE, state.config.withId(newVaultId(context)));
  files.set(MANIFEST_FILE, state.manifest.toBytes());
  return files;
}

/** Git's rules for the vault's folder, added to what the person has written there. */
export function gitRules(state: VaultState): FileChanges {
  return new Map([
    [GITIGNORE_FILE, withLines(state.read(GITIGNORE_FILE), GITIGNORE)],
    [GITATTRIBUTES_FILE, gitAttributes(state.read(GITATTRIBUTES_FILE))],
  ]);
}

/** Former rules are replaced where there are no others; a person who has added rules may rely on them. */
function gitAttributes(bytes: Uint8Array | undefined): Uint8Array {
  const text = bytes && new TextDecoder().decode(bytes);
  if (FORMER_GITATTRIBUTES.some((lines) => text === `${lines.join("\n")}\n`)) return withLines(undefined, GITATTRIBUTES);
  return withLines(bytes, text?.split(/\r?\n/).includes("* -text") ? FORMER_GITATTRIBUTES[0]! : GITATTRIBUTES);
}

/** Puts into the manifest the extra agents that until now only the metadata of their secrets named. To be called before any edit. */
export function adoptExtraAgents(state: VaultState): void {
  if (state.manifest.namesExtraAgents) return;
  const extra = new Map<SecretPath, string[]>();
  for (const path of state.secretPaths()) {
    const groups = state.manifest.groupsOf(path);
    const beyond = state.agentsOf(path).filter((agent) => !groups.some((group) => state.manifest.agents.get(agent)!.has(group)));
    if (beyond.length > 0) extra.set(path, beyond);
  }
  state.manifest.adoptExtraAgents(extra);
}

/** A file with some lines, each added at the end where it is missing. */
function withLines(bytes: Uint8Array | undefined, lines: readonly string[]): Uint8Array {
  const text = bytes ? new TextDecoder().decode(bytes) : "";
  const present = new Set(text.split(/\r?\n/));
  const missing = lines.filter((line) => !present.has(line));
  if (missing.length === 0) return bytes!;
  const end = text === "" || text.endsWith("\n") ? "" : "\n";
  return new TextEncoder().encode(`${text}${end}${missing.join("\n")}\n`);
}
