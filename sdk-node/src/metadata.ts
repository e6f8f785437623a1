/** What may be told of a secret without its value. */
export interface SecretMetadata {
  readonly name: string;
  readonly group: string;
  readonly createdAt: Date;
  readonly rotatedAt: Date;
  readonly expiresAt?: Date;
  readonly authorizedAgents: string[];
}

/** An agent of the vault and the groups that it was granted, in the order of the manifest. */
export interface AgentInfo {
  readonly name: string;
  readonly groups: string[];
}
