import { generateIdentity, type Identity } from "../../age/identity.js";
import { parseRecipient, requireUniform } from "../../age/recipient.js";
import { reencryptAll } from "../../change/reencrypt.js";
import { changeSigned, type ChangeRequest } from "../../change/signed-change.js";
import { resolvePath, type Context } from "../../context.js";
import { VaultError } from "../../errors.js";
import { MANIFEST_FILE, ownerFile } from "../../format/layout.js";
import { formatSecretPath, parseOwnerName } from "../../format/names.js";
import { requireNoKeyFile, serializeKeyFile, writeKeyFile } from "../../keys/key-file.js";
import { SigningKey } from "../../keys/signing-key.js";
import type { SignedLock } from "../../lock/open-lock.js";
import { parseSshPublicKey, type SshPublicKey } from "../../lock/ssh-signature.js";
import { ownerKeysOf, vaultIdOf, type OwnerKeys } from "./owner-keys.js";
import { ownerEntries } from "./replace-owners.js";

/** Whom to add, by the public keys that they sent or with a key that is made here. */
export interface AddOwnerRequest extends ChangeRequest {
  readonly owner: string;
  /** `age1...` of the new owner; together with `signingKey`. */
  readonly recipient?: string | undefined;
  /** `ssh-ed25519 ...` of the new owner for this vault. */
  readonly signingKey?: string | undefined;
  /** Instead of the two: make the new owner's key here, in this file, to pass on. */
  readonly keyOut?: string | undefined;
}

/** The new owner, and what to tell them. */
export interface AddOwnerResult extends OwnerKeys {
  readonly owner: string;
  readonly vaultId: string;
  /** The file of a key that was made here. */
  readonly keyFile: string | undefined;
  /** The signing key of the owner who added them, for the new owner to compare with and to start from. */
  readonly addedBy: SshPublicKey;
  /** All secrets, which were encrypted again, as they are shown. */
  readonly secrets: readonly string[];
}

/**
 * Adds an owner, who reads everything and may sign the vault's states.
 * @throws VaultError `ALREADY_EXISTS`, `INVALID_NAME`, `INVALID_RECIPIENT`, `INVALID_KEY`, `MIXED_RECIPIENTS`, `USAGE`, and what a
 *   transaction throws
 */
export async function addOwner(context: Context, request: AddOwnerRequest): Promise<AddOwnerResult> {
  const name = parseOwnerName(request.owner);
  const given = parseGivenKeys(request);
  const keyFile = request.keyOut === undefined ? undefined : resolvePath(context, request.keyOut);
  const { result } = await changeSigned(context, request, async (state, signer) => {
    const { owners } = state;
    const twin = owners.find((owner) => owner.name.toLowerCase() === name.toLowerCase());
    if (twin) throw ownerExists(`There is an owner ${twin.name} already.`);
    if (keyFile !== undefined && !request.dryRun) requireNoKeyFile(context, keyFile);
    const identity = given ? undefined : await generateIdentity(owners[0]!.recipient.kind);
    const id = vaultIdOf(state);
    const keys = given ?? (await ownerKeysOf(identity!, id));
    const recipient = parseRecipient(keys.recipient);
    const present = owners.find((owner) => owner.recipient.text === recipient.text);
    if (present) throw ownerExists(`The owner ${present.name} has this recipient already.`);
    requireUniform([...owners.map((owner) => owner.recipient), recipient]);
    state.manifest.setOwners([...ownerEntries(state), { name, file: ownerFile(name) }]);
    state.replaceOwners([...owners, { name, recipient }]);
    return {
      message: `agent-vault: add owner ${name}`,
      result: {
        owner: name,
        vaultId: id,
        ...keys,
        keyFile,
        addedBy: signer && new SigningKey(signer, id).publicKey,
        secrets: state.secretPaths().map(formatSecretPath),
      },
      owners: ({ lock }) => [...lock.owners, { name, key: keys.signingKey }],
      files: async (owner, base) => {
        const same = base.lock.owners.find(({ key }) => key === keys.signingKey);
        if (same) throw ownerExists(`The owner ${same.name} has this signing key already.`);
        const files = await reencryptAll(context, state, [owner], { leaving: false, without: new Set() });
        if (keyFile !== undefined && identity) await writeOwnerKey(context, keyFile, identity, base);
        const bytes = new TextEncoder().encode(recipient.text);
        return new Map([...files, [MANIFEST_FILE, state.manifest.toBytes()], [ownerFile(name), bytes]]);
      },
    };
  });
  // Without a signer there was a trial alone, whose result nobody sees.
  return { ...result, addedBy: result.addedBy! };
}

/** What the request gives of the new owner's keys, or `undefined` where their key is to be made here. */
function parseGivenKeys({ recipient, signingKey, keyOut }: AddOwnerRequest): OwnerKeys | undefined {
  if (keyOut !== undefined && recipient === undefined && signingKey === undefined) return undefined;
  if (keyOut !== undefined || recipient === undefined || signingKey === undefined) {
    throw new VaultError("USAGE", "A new owner needs a recipient and a signing key, or a key that is made here.", {
      remedy: "Give --recipient and --signing-key, as agent-vault owner keys prints them for the new owner, or --out FILE alone.",
    });
  }
  const key = parseSshPublicKey(signingKey);
  if (!key) {
    throw new VaultError("INVALID_KEY", "The value of --signing-key is not a signing key.", {
      remedy: "A signing key is ssh-ed25519 and 68 more characters, as agent-vault owner keys prints it for the new owner.",
    });
  }
  return { recipient: parseRecipient(recipient).text, signingKey: key };
}

/** Writes the new owner's key, and with it who signs the vault and which state it is in: what the new owner trusts. */
async function writeOwnerKey(context: Context, file: string, identity: Identity, { lock, digest }: SignedLock): Promise<void> {
  const comments = {
    role: "owner",
    created: context.now().toISOString(),
    vault: lock.vault,
    owner: lock.owners.map(({ key }) => key),
    state: `${lock.sequence} ${digest}`,
  };
  await writeKeyFile(context, file, await serializeKeyFile(identity, comments));
}

function ownerExists(message: string): VaultError {
  return new VaultError("ALREADY_EXISTS", message, {
    remedy: "agent-vault list-owners shows them all; agent-vault rotate-owner replaces an owner's key.",
  });
}
