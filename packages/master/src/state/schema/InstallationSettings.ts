/** What was chosen for the whole installation: one row, from the first choice on. Since cluster version 4. */
export const installationSettings = `
CREATE TABLE installation_settings (only INTEGER PRIMARY KEY CHECK (only = 1), updated_at TEXT NOT NULL,
  revision INTEGER NOT NULL, data TEXT NOT NULL) STRICT;
`
