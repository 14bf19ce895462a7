/** The second form of the audit's chain: whose each row is, what asked, and what of the chain was exported and cut. */
export const auditPlaces = `
ALTER TABLE audit ADD COLUMN form INTEGER NOT NULL DEFAULT 1;
ALTER TABLE audit ADD COLUMN organization_id TEXT;
ALTER TABLE audit ADD COLUMN workspace_id TEXT;
ALTER TABLE audit ADD COLUMN request_id TEXT;
ALTER TABLE audit ADD COLUMN user_agent TEXT;
CREATE INDEX audit_by_organization ON audit (organization_id, entry);
CREATE INDEX audit_by_workspace ON audit (workspace_id, entry);
CREATE INDEX audit_by_time ON audit (at);
CREATE TABLE audit_marks (only INTEGER PRIMARY KEY CHECK (only = 1), anchor_entry INTEGER NOT NULL, anchor_hash TEXT NOT NULL,
  exported_entry INTEGER NOT NULL, exported_hash TEXT NOT NULL) STRICT;
INSERT INTO audit_marks (only, anchor_entry, anchor_hash, exported_entry, exported_hash)
  VALUES (1, 0, '${"0".repeat(64)}', 0, '${"0".repeat(64)}');
`
