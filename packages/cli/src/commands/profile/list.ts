import { profilesFile, readProfiles, secretsOf } from "@agent-vault/runner";
import { formatSecretPath } from "@agent-vault/vault/read-only";
import { table } from "../../terminal/table.js";
import { VaultCommand } from "../../vault-command.js";

export default class ProfileList extends VaultCommand {
  static override helpGroup = "limits" as const;
  static override summary = "List profiles";
  static override needsPerson = "never" as const;
  static override allowsToken = true;

  async run(): Promise<void> {
    await this.parseCommandLine(ProfileList);
    const profiles = [...(await readProfiles(this.context)).values()].map((profile) => ({
      name: profile.name,
      description: profile.description,
      secrets: secretsOf(profile).map(formatSecretPath),
    }));
    this.print(profiles, () =>
      table(
        ["PROFILE", "SECRETS", "DESCRIPTION"],
        profiles.map(({ name, description, secrets }) => [name, secrets.join(", "), description ?? "-"]),
        `No profiles yet. Define them in ${profilesFile(this.context)}.`,
      ),
    );
  }
}
