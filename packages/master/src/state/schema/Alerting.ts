/** What is watched for, what was found, whom it is not told, and who is told. Since cluster version 4. */
const stamped = "id TEXT PRIMARY KEY, created_at TEXT NOT NULL, updated_at TEXT NOT NULL, revision INTEGER NOT NULL"
/** The place: both are NULL for the installation. */
const placed = "organization_id TEXT, workspace_id TEXT"

export const alerting = `
CREATE TABLE alert_rules (${stamped}, ${placed}, name TEXT NOT NULL, kind TEXT NOT NULL, enabled INTEGER NOT NULL,
  data TEXT NOT NULL) STRICT;
CREATE TABLE alert_silences (${stamped}, ${placed}, ends_at TEXT NOT NULL, data TEXT NOT NULL) STRICT;
CREATE TABLE webhooks (${stamped}, ${placed}, name TEXT NOT NULL, enabled INTEGER NOT NULL, data TEXT NOT NULL) STRICT;
CREATE TABLE alert_defaults (number INTEGER PRIMARY KEY, entry INTEGER NOT NULL) STRICT;

CREATE TABLE alerts (id TEXT PRIMARY KEY, rule_id TEXT NOT NULL, state TEXT NOT NULL, severity TEXT NOT NULL, ${placed},
  agent_id TEXT, started_at TEXT NOT NULL, resolved_at TEXT, entry INTEGER NOT NULL, told TEXT NOT NULL, data TEXT NOT NULL) STRICT;
CREATE INDEX alerts_by_state ON alerts (state, resolved_at);
CREATE INDEX alerts_by_place ON alerts (organization_id, workspace_id);

CREATE TABLE alert_deliveries (id TEXT PRIMARY KEY, webhook_id TEXT NOT NULL, status TEXT NOT NULL, next_attempt_at TEXT,
  entry INTEGER NOT NULL, message TEXT, data TEXT NOT NULL) STRICT;
CREATE INDEX alert_deliveries_by_webhook ON alert_deliveries (webhook_id, entry);
CREATE INDEX alert_deliveries_due ON alert_deliveries (status, next_attempt_at);
`
