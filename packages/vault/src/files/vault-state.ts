import { agentsOf } from "../format/access.js";
import { parseRecipient, type Recipient } from "../age/recipient.js";
import { Config } from "../format/config.js";
import { VaultError } from "../errors.js";
import { classify, CONFIG_FILE, FIRST_OWNER_FILE, MANIFEST_FILE, metadataFile, publicKeyFile, VAULT_FOLDER } from "../format/layout.js";
import { Manifest } from "../format/manifest.js";
import { readAuthorizedAgents } from "../format/metadata.js";
import type { SecretPath } from "../format/names.js";
import { VaultFiles } from "./vault-files.js";

/** An owner with the recipient that every secret is encrypted to. */
export interface Owner {
  readonly name: string;
  readonly recipient: Recipient;
}

/** The vault as it was read at one time, with what its files mean. */
export class VaultState extends VaultFiles {
  #config: Config | undefined;
  #manifest: Manifest | undefined;
  #owners: Owner[] | undefined;
  readonly #agents = new Map<string, Recipient>();

  /** @throws VaultError `INVALID_YAML`, `INVALID_CONFIG` */
  get config(): Config {
    return (this.#config ??= Config.parse(this.#require(CONFIG_FILE)));
  }

  /** @throws VaultError `INVALID_YAML`, `INVALID_MANIFEST` */
  get manifest(): Manifest {
    return (this.#manifest ??= Manifest.parse(this.#require(MANIFEST_FILE)));
  }

  /** All owners, first the one of `owner.pub`. @throws VaultError `INVALID_MANIFEST`, `INVALID_RECIPIENT` */
  get owners(): readonly Owner[] {
    return (this.#owners ??= this.#readOwners());
  }

  /** An agent's recipient. @throws VaultError `INVALID_MANIFEST`, `INVALID_RECIPIENT` */
  agentRecipient(agent: string): Recipient {
    let recipient = this.#agents.get(agent);
    if (!recipient) this.#agents.set(agent, (recipient = this.#readRecipient(publicKeyFile(agent))));
    return recipient;
  }

  /** Takes other owners, for the files that are about to be written. */
  replaceOwners(owners: readonly Owner[]): void {
    this.#owners = [...owners];
  }

  /** Takes another key for an agent, for the files that are about to be written. */
  replaceAgentRecipient(agent: string, recipient: Recipient): void {
    this.#agents.set(agent, recipient);
  }

  /** The agents that may read a secret by the manifest in memory. */
  agentsOf(path: SecretPath): string[] {
    return agentsOf(this.manifest, path, this.manifest.namesExtraAgents ? [] : this.authorizedAgents(path));
  }

  /** All recipients of a secret: the owners, then its agents. */
  recipientsOf(path: SecretPath): Recipient[] {
    return [...this.owners.map(({ recipient }) => recipient), ...this.agentsOf(path).map((agent) => this.agentRecipient(agent))];
  }

  /** The agents that a secret's metadata names, none where there is no metadata. */
  authorizedAgents(path: SecretPath): readonly string[] {
    const bytes = this.read(metadataFile(path));
    return bytes ? readAuthorizedAgents(bytes, path) : [];
  }

  protected override forget(): void {
    super.forget();
    this.#config = undefined;
    this.#manifest = undefined;
    this.#owners = undefined;
    this.#agents.clear();
  }

  #readOwners(): Owner[] {
    const entries = this.manifest.owners.length > 0 ? this.manifest.owners : [{ name: "owner", file: FIRST_OWNER_FILE }];
    return entries.map(({ name, file }) => {
      if (classify(file).kind !== "owner") {
        throw new VaultError("INVALID_MANIFEST", `The manifest names ${JSON.stringify(file)} as the key of owner ${name}.`, {
          remedy: "An owner's key lies in owner.pub or owners/NAME.pub; restore manifest.yaml from git.",
        });
      }
      return { name, recipient: this.#readRecipient(file) };
    });
  }

  #readRecipient(file: string): Recipient {
    return parseRecipient(new TextDecoder().decode(this.#require(file)));
  }

  #require(file: string): Uint8Array {
    const bytes = this.read(file);
    if (bytes) return bytes;
    const remedy = `Restore it from git: git checkout -- ${VAULT_FOLDER}/${file}`;
    if (file === CONFIG_FILE) throw new VaultError("INVALID_CONFIG", "The vault has no config.yaml.", { remedy });
    throw new VaultError("INVALID_MANIFEST", `The vault has no ${file}.`, { remedy });
  }
}
