/** How keys rotate: that of the secrets, those that sign tokens, and those of agents. */
export const keyRotations = `
CREATE TABLE key_rotation (only INTEGER PRIMARY KEY CHECK (only = 1), from_key_id TEXT NOT NULL, to_key_id TEXT NOT NULL,
  begun_at TEXT NOT NULL, rewrapped INTEGER NOT NULL, ended_at TEXT) STRICT;
CREATE TABLE retired_signing_keys (key_id TEXT PRIMARY KEY, public_jwk TEXT NOT NULL, created_at TEXT NOT NULL,
  retired_at TEXT NOT NULL) STRICT;
CREATE TABLE agent_key_times (agent_id TEXT PRIMARY KEY, rotated_at TEXT NOT NULL) STRICT, WITHOUT ROWID;
ALTER TABLE cluster ADD COLUMN agent_keys_before TEXT;
`
