/** Programs and their keys, invitations of people, providers of identities: since cluster version 4. */

const stamped =
  "id TEXT PRIMARY KEY, created_at TEXT NOT NULL, updated_at TEXT NOT NULL, revision INTEGER NOT NULL, data TEXT NOT NULL"

/** `home` is an organization's id, or empty for the installation: NULLs are never equal to each other in a UNIQUE. */
export const identityTables = `
CREATE TABLE service_accounts (${stamped}, home TEXT NOT NULL, organization_id TEXT, name TEXT NOT NULL COLLATE NOCASE,
  UNIQUE (home, name)) STRICT;
CREATE TABLE api_keys (id TEXT PRIMARY KEY, service_account_id TEXT NOT NULL, secret_hash TEXT NOT NULL UNIQUE,
  created_at TEXT NOT NULL, expires_at TEXT, last_used_at TEXT, last_used_from TEXT, data TEXT NOT NULL) STRICT;
CREATE INDEX api_keys_by_account ON api_keys (service_account_id, created_at);

CREATE TABLE password_tokens (id TEXT PRIMARY KEY, user_id TEXT NOT NULL UNIQUE, token_hash TEXT NOT NULL UNIQUE,
  created_at TEXT NOT NULL, expires_at TEXT NOT NULL) STRICT;

CREATE TABLE identity_providers (${stamped}, name TEXT NOT NULL UNIQUE COLLATE NOCASE) STRICT;
CREATE TABLE external_identities (issuer TEXT NOT NULL, subject TEXT NOT NULL, user_id TEXT NOT NULL, provider_id TEXT NOT NULL,
  linked_at TEXT NOT NULL, PRIMARY KEY (issuer, subject)) STRICT, WITHOUT ROWID;
CREATE INDEX external_identities_by_user ON external_identities (user_id);
CREATE INDEX external_identities_by_provider ON external_identities (provider_id);

ALTER TABLE sessions ADD COLUMN user_agent TEXT;
ALTER TABLE sessions ADD COLUMN provider_id TEXT;
ALTER TABLE sessions ADD COLUMN sealed_id_token TEXT;
`
