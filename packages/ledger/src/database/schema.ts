import type { Connection } from "./connection.js";

/**
 * The steps from an empty database to the present one; a database's `user_version` says how many it has behind it. A step is never
 * changed once released: what follows is one more.
 */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  INSERT INTO setting VALUES ('writes', '0');

  CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    time TEXT NOT NULL,
    action TEXT NOT NULL,
    outcome TEXT NOT NULL,
    who TEXT,
    identity TEXT,
    harness TEXT,
    secrets TEXT,
    command TEXT,
    folder TEXT,
    repository TEXT,
    branch TEXT,
    exit_code INTEGER,
    reason TEXT,
    completes INTEGER,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
  ) STRICT;
  CREATE INDEX audit_by_time ON audit (time);
  CREATE INDEX audit_by_completed ON audit (completes);

  CREATE TABLE audit_secret (secret TEXT NOT NULL, event INTEGER NOT NULL, PRIMARY KEY (secret, event)) STRICT;

  CREATE TABLE checkpoint (
    rows INTEGER PRIMARY KEY,
    head TEXT NOT NULL,
    time TEXT NOT NULL,
    signature TEXT NOT NULL
  ) STRICT;

  CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
  CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
    WHEN OLD.id > coalesce((SELECT max(rows) FROM checkpoint), 0)
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
  CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit
    WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
  CREATE TRIGGER audit_completed_once BEFORE INSERT ON audit
    WHEN NEW.completes IS NOT NULL AND EXISTS (SELECT 1 FROM audit WHERE completes = NEW.completes)
    BEGIN SELECT RAISE(ABORT, 'the use was completed already'); END;
  `,
  `
  CREATE TABLE secret (
    path TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    tree TEXT NOT NULL,
    digest TEXT NOT NULL,
    search TEXT NOT NULL,
    metadata TEXT NOT NULL,
    problem TEXT,
    authorized TEXT NOT NULL,
    provider TEXT,
    account TEXT,
    environment TEXT,
    access TEXT,
    created INTEGER,
    rotated INTEGER,
    expires INTEGER,
    due INTEGER
  ) STRICT;
  CREATE INDEX secret_by_tree ON secret (tree);
  CREATE INDEX secret_by_expires ON secret (expires);
  CREATE INDEX secret_by_due ON secret (due);
  CREATE TABLE secret_tag (tag TEXT NOT NULL, secret TEXT NOT NULL, PRIMARY KEY (tag, secret)) STRICT;
  CREATE INDEX secret_tag_by_secret ON secret_tag (secret);

  CREATE TABLE vault_group (name TEXT PRIMARY KEY, place INTEGER NOT NULL) STRICT;
  CREATE TABLE group_secret (group_name TEXT NOT NULL, secret TEXT NOT NULL, PRIMARY KEY (group_name, secret)) STRICT;
  CREATE INDEX group_secret_by_secret ON group_secret (secret);
  CREATE TABLE agent (name TEXT PRIMARY KEY, place INTEGER NOT NULL, recipient TEXT) STRICT;
  CREATE TABLE agent_group (agent TEXT NOT NULL, group_name TEXT NOT NULL, place INTEGER NOT NULL, PRIMARY KEY (agent, group_name)) STRICT;
  CREATE TABLE extra_agent (agent TEXT NOT NULL, secret TEXT NOT NULL, PRIMARY KEY (agent, secret)) STRICT;
  CREATE INDEX extra_agent_by_secret ON extra_agent (secret);
  CREATE TABLE owner (name TEXT PRIMARY KEY, place INTEGER NOT NULL, recipient TEXT NOT NULL) STRICT;
  CREATE TABLE source (name TEXT PRIMARY KEY, digest TEXT NOT NULL) STRICT;
  `,
  `
  CREATE TABLE token_root (id TEXT PRIMARY KEY, key TEXT NOT NULL) STRICT;
  CREATE TABLE token (
    id TEXT PRIMARY KEY,
    root TEXT NOT NULL,
    session TEXT,
    note TEXT,
    caveats TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    revoked INTEGER
  ) STRICT;
  CREATE INDEX token_by_expires ON token (expires);
  CREATE INDEX token_by_session ON token (session);
  CREATE TABLE token_use (counter TEXT PRIMARY KEY, token TEXT NOT NULL, uses INTEGER NOT NULL) STRICT;
  CREATE INDEX token_use_by_token ON token_use (token);

  CREATE TABLE session (
    id TEXT PRIMARY KEY,
    name TEXT,
    harness TEXT,
    parent INTEGER,
    started INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    ended INTEGER
  ) STRICT;
  CREATE TABLE session_approval (session TEXT NOT NULL, subject TEXT NOT NULL, PRIMARY KEY (session, subject)) STRICT;

  CREATE TABLE lease (
    id TEXT PRIMARY KEY,
    secret TEXT NOT NULL,
    holder TEXT,
    token TEXT NOT NULL,
    taken INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    released INTEGER
  ) STRICT;
  CREATE INDEX lease_by_secret ON lease (secret);
  `,
  `
  ALTER TABLE audit ADD COLUMN request TEXT;
  `,
  `
  ALTER TABLE audit ADD COLUMN source TEXT;
  CREATE TABLE spool_segment (segment TEXT PRIMARY KEY, lines INTEGER NOT NULL, damaged INTEGER NOT NULL DEFAULT 0) STRICT;
  CREATE TABLE spool_started (reference TEXT PRIMARY KEY, event INTEGER NOT NULL) STRICT;
  `,
];

/** What {@link schemaVersion} is once a database is up to date. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/** How many steps a database has behind it; 0 for an empty one. */
export function schemaVersion(connection: Connection): number {
  return Number(connection.get("PRAGMA user_version")!["user_version"]);
}

/** Takes a database up to `version`, each step all or nothing. */
export function migrate(connection: Connection, version = SCHEMA_VERSION): void {
  for (let next = schemaVersion(connection); next < version; next++) {
    connection.exec("BEGIN IMMEDIATE");
    try {
      connection.exec(MIGRATIONS[next]!);
      connection.exec(`PRAGMA user_version = ${next + 1}`);
      connection.exec("COMMIT");
    } catch (error) {
      connection.exec("ROLLBACK");
      throw error;
    }
  }
}
