import { existsSync, lstatSync, mkdirSync, realpathSync } from "node:fs";
import { basename, dirname, join, sep } from "node:path";
import { generateIdentity } from "../age/identity.js";
import type { RecipientKind } from "../age/recipient.js";
import { Config } from "../format/config.js";
import { resolvePath, type Context } from "../context.js";
import { VaultError, writeError } from "../errors.js";
import { findVault } from "../files/vault-files.js";
import { GitRepository } from "../git/repository.js";
import { gitRules, newVaultId } from "../change/layout-upgrade.js";
import { loadKeys, type KeyChoice, type Keys } from "../keys/find-key.js";
import { NO_COMMENTS } from "../keys/key-comments.js";
import { serializeKeyFile, ownerKeyFile, vaultOwnerKeyFile, writeKeyFile } from "../keys/key-file.js";
import { CONFIG_FILE, FIRST_OWNER_FILE, MANIFEST_FILE, VAULT_FOLDER } from "../format/layout.js";
import { Manifest } from "../format/manifest.js";
import { parseOwnerName } from "../format/names.js";
import { onRecord, type Begin } from "../record/on-record.js";
import type { Actor } from "../record/recorder.js";
import { transact } from "../change/transaction.js";
import { signState } from "../change/sign-state.js";
import { SigningKey } from "../keys/signing-key.js";
import type { SshPublicKey } from "../lock/ssh-signature.js";
import { rememberMade } from "../trust/remember.js";
import { TrustContext } from "../trust/trust-context.js";

/** Where to make a vault, and with which key. */
export interface InitRequest {
  /** The folder that gets the vault, relative to the context's; it is made if missing. */
  readonly directory?: string | undefined;
  readonly owner?: string | undefined;
  readonly key?: KeyChoice | undefined;
  /** Make a key of this vault's own, whatever key there is. */
  readonly newKey?: boolean | undefined;
  /** The kind of a key that is made here; X25519 unless given. */
  readonly kind?: RecipientKind | undefined;
  /** Protects a key that is made here. */
  readonly passphrase?: (() => Promise<string>) | undefined;
}

/** The new vault. */
export interface InitResult {
  /** Absolute path of its folder. */
  readonly vault: string;
  readonly owner: string;
  /** `age1...` */
  readonly recipient: string;
  /** What the owner's signatures are checked with. */
  readonly signingKey: SshPublicKey;
  /** The key file that was made, or `undefined` where an existing key is used. */
  readonly newKeyFile: string | undefined;
  /** Where the owner's key comes from, as a message names it. */
  readonly keySource: string;
  /** Whether a git repository had to be made. */
  readonly newRepository: boolean;
}

/**
 * Makes a vault in a folder, and the git repository where there is none. An owner's key that exists is used and never overwritten.
 * @throws VaultError `ALREADY_EXISTS`, `INVALID_VALUE` (no place for a vault), `UNWRITABLE`, `INVALID_NAME`, and what a transaction throws
 */
export async function init(context: Context, request: InitRequest): Promise<InitResult> {
  const directory = resolvePath(context, request.directory ?? ".");
  const owner = parseOwnerName(request.owner ?? defaultOwnerName(context));
  const vault = join(directory, VAULT_FOLDER);
  requireFolder(directory);
  requirePlaceForVault(context, directory);
  requireNoVault(vault);
  warnOfOuterVault(context, directory);
  const hasKey = !request.newKey && ownerHasKey(context, request);
  if (hasKey && (request.kind !== undefined || request.passphrase !== undefined)) {
    throw new VaultError("ALREADY_EXISTS", "You have an owner's key already, and it is used as it is.", {
      remedy: "Add --new-key for a key of this vault's own, or leave out --passphrase and --post-quantum.",
    });
  }
  const passphrase = hasKey ? undefined : await request.passphrase?.();
  const newRepository = await ensureRepository(context, directory);
  const id = newVaultId(context);
  const { keys, ...key } = await ownerKey(context, request, hasKey, id, passphrase);
  const [identity] = keys.identities;
  const recipient = await identity!.recipient();
  const signingKey = new SigningKey(identity!, id);
  const makeVault = (begin: Begin) =>
    transact(context, vault, async (state) => {
      requireNoVault(vault);
      const files = new Map([
        [CONFIG_FILE, Config.create(id).toBytes()],
        [MANIFEST_FILE, Manifest.create(owner).toBytes()],
        [FIRST_OWNER_FILE, new TextEncoder().encode(recipient)],
        ...gitRules(state),
      ]);
      const owners = [{ name: owner, key: signingKey.publicKey }];
      const message = "agent-vault: init";
      const actor: Actor = {
        root: vault,
        vault: id,
        keys,
        judging: [state],
        principal: async () => ({ role: "owner", name: owner, identity: recipient }),
      };
      const anchor = await begin(actor, { what: message, secrets: [] });
      const first = signState(context, signingKey, {
        vault: id,
        parents: [],
        owners,
        digests: new Map(),
        config: undefined,
        files,
        anchor,
      });
      return { message, result: first.signed, files: async () => first.files };
    });
  const signed = await onRecord(context, makeVault);
  rememberMade(new TrustContext(context, vault, keys), signed);
  return { vault, owner, recipient, signingKey: signingKey.publicKey, newRepository, ...key };
}

/** Keys are never in a vault, nor a vault among keys or in another vault. */
function requirePlaceForVault(context: Context, directory: string): void {
  const real = realPath(directory);
  const keys = realPath(context.home);
  const vault = join(real, VAULT_FOLDER);
  const isIn = (path: string, folder: string) => path === folder || path.startsWith(folder + sep);
  if (isIn(vault, keys) || isIn(keys, vault)) {
    throw new VaultError("INVALID_VALUE", `${vault} cannot be a vault: your keys are in ${keys}.`, {
      remedy: "Make the vault in a folder of its own (agent-vault init DIR), or keep the keys elsewhere with AGENT_VAULT_HOME.",
    });
  }
  if (real.split(sep).includes(VAULT_FOLDER)) {
    throw new VaultError("INVALID_VALUE", `${real} is inside a folder ${VAULT_FOLDER}, where no other vault can be.`, {
      remedy: "Run it in the folder of your project.",
    });
  }
}

/** A path without links, also where its end does not exist yet. */
function realPath(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  return path === dirname(path) ? path : join(realPath(dirname(path)), basename(path));
}

function requireNoVault(vault: string): void {
  if (!lstatSync(join(vault, MANIFEST_FILE), { throwIfNoEntry: false }) && !lstatSync(join(vault, CONFIG_FILE), { throwIfNoEntry: false }))
    return;
  throw new VaultError("ALREADY_EXISTS", `There is a vault in ${vault} already.`, {
    remedy: "Use it as it is: agent-vault list, agent-vault set.",
  });
}

function requireFolder(directory: string): void {
  if (lstatSync(directory, { throwIfNoEntry: false })?.isFile() !== true) return;
  throw new VaultError("INVALID_VALUE", `${directory} is a file, not a folder.`, { remedy: "Name a folder: agent-vault init DIR." });
}

/** Commands look for the nearest vault, so one below another hides it. */
function warnOfOuterVault(context: Context, directory: string): void {
  try {
    const outer = findVault(context, dirname(directory));
    context.warn(`There is already a vault in ${outer}. In ${directory} and below it, commands use the new one.`);
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
  }
}

/** Makes a repository where there is none. @returns whether it did */
async function ensureRepository(context: Context, directory: string): Promise<boolean> {
  try {
    // Only what is missing above it is made recursively: in a folder such as /proc that would never end (Node 20).
    if (!existsSync(dirname(directory))) mkdirSync(dirname(directory), { recursive: true });
    if (!existsSync(directory)) mkdirSync(directory);
  } catch (error) {
    throw writeError(error, directory);
  }
  try {
    await GitRepository.find(context, directory);
    return false;
  } catch (error) {
    if (!(error instanceof VaultError) || error.code !== "REPOSITORY_NOT_FOUND") throw error;
    await GitRepository.create(context, directory);
    return true;
  }
}

async function ownerKey(
  context: Context,
  request: InitRequest,
  hasKey: boolean,
  vaultId: string,
  passphrase: string | undefined,
): Promise<{ keys: Keys } & Pick<InitResult, "newKeyFile" | "keySource">> {
  if (hasKey) {
    const keys = await loadKeys(context, request.key ?? {});
    return { keys, newKeyFile: undefined, keySource: keys.source };
  }
  const identity = await generateIdentity(request.kind ?? "x25519");
  const file = request.newKey ? vaultOwnerKeyFile(context, vaultId) : ownerKeyFile(context);
  const comments = { role: "owner", created: context.now().toISOString(), ...(request.newKey && { vault: vaultId }) };
  await writeKeyFile(context, file, await serializeKeyFile(identity, comments), passphrase);
  const keys = { identities: [identity], source: file, comments: NO_COMMENTS, isOwners: true, isProtected: passphrase !== undefined };
  return { keys, newKeyFile: file, keySource: file };
}

function ownerHasKey(context: Context, { key }: InitRequest): boolean {
  const chosen =
    key?.keyFile !== undefined ||
    key?.keyText !== undefined ||
    Boolean(context.env["AGENT_VAULT_KEY"] || context.env["AGENT_VAULT_KEY_COMMAND"]);
  return chosen || existsSync(ownerKeyFile(context));
}

function defaultOwnerName(context: Context): string {
  const user = context.env["USER"] ?? context.env["LOGNAME"] ?? context.env["USERNAME"] ?? "";
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(user) ? user : "owner";
}
