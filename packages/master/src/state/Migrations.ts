/**
 * The schema, as the list of steps that made it. `PRAGMA user_version` counts those done; a step is never edited once released.
 * Which schema a state has follows from its cluster version, and not from the build that opens it (rule 6): the step to a
 * version runs in the entry that raises the cluster to it, in that entry's transaction, on every master alike.
 */
import { clusterVersions } from "@nxmesh/protocol/ClusterVersion"
import type { ClusterVersionRange } from "@nxmesh/protocol/model/Master"
import { Data } from "effect"
import type { Connection } from "./Connection.ts"
import { changingTables } from "./digest/StateDigest.ts"
import { accessTables } from "./schema/AccessTables.ts"
import { auditPlaces } from "./schema/Audit.ts"
import { keyRotations } from "./schema/Keys.ts"
import { identityTables } from "./schema/Identities.ts"
import { alerting } from "./schema/Alerting.ts"
import { installationSettings } from "./schema/InstallationSettings.ts"

const stamped =
  "id TEXT PRIMARY KEY, created_at TEXT NOT NULL, updated_at TEXT NOT NULL, revision INTEGER NOT NULL, data TEXT NOT NULL"

const initial = `
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE organizations (${stamped}, name TEXT NOT NULL, slug TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE workspaces (${stamped}, organization_id TEXT NOT NULL, name TEXT NOT NULL, slug TEXT NOT NULL,
  UNIQUE (organization_id, slug)) STRICT;
CREATE TABLE agents (${stamped}, workspace_id TEXT NOT NULL, name TEXT NOT NULL, maintenance INTEGER NOT NULL,
  enrolled_at TEXT, UNIQUE (workspace_id, name)) STRICT;
CREATE TABLE virtual_hosts (${stamped}, workspace_id TEXT NOT NULL, name TEXT NOT NULL, server_name TEXT NOT NULL,
  listen_port INTEGER NOT NULL, enabled INTEGER NOT NULL, ssl_enabled INTEGER NOT NULL, ssl_certificate_id TEXT,
  template TEXT NOT NULL) STRICT;
CREATE INDEX virtual_hosts_by_workspace ON virtual_hosts (workspace_id, name);
CREATE TABLE virtual_host_keys (organization_id TEXT NOT NULL, key TEXT NOT NULL, host_id TEXT NOT NULL,
  PRIMARY KEY (organization_id, key, host_id)) STRICT, WITHOUT ROWID;
CREATE INDEX virtual_host_keys_by_host ON virtual_host_keys (host_id);
CREATE TABLE upstreams (${stamped}, workspace_id TEXT NOT NULL, name TEXT NOT NULL, algorithm TEXT NOT NULL,
  UNIQUE (workspace_id, name)) STRICT;
CREATE TABLE certificates (${stamped}, workspace_id TEXT NOT NULL, name TEXT NOT NULL, domain TEXT NOT NULL,
  provider TEXT NOT NULL, expires_at TEXT NOT NULL) STRICT;
CREATE INDEX certificates_by_workspace ON certificates (workspace_id, name);
CREATE TABLE templates (${stamped}, workspace_id TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (workspace_id, name)) STRICT;
CREATE TABLE users (${stamped}, email TEXT NOT NULL UNIQUE COLLATE NOCASE, name TEXT NOT NULL, role TEXT NOT NULL,
  disabled INTEGER NOT NULL) STRICT;

CREATE TABLE resource_references (from_kind TEXT NOT NULL, from_id TEXT NOT NULL, to_kind TEXT NOT NULL, to_id TEXT NOT NULL,
  PRIMARY KEY (from_kind, from_id, to_kind, to_id)) STRICT, WITHOUT ROWID;
CREATE INDEX resource_references_by_target ON resource_references (to_kind, to_id);

CREATE TABLE config_versions (resource_type TEXT NOT NULL, resource_id TEXT NOT NULL, version_number INTEGER NOT NULL,
  id TEXT NOT NULL UNIQUE, data TEXT, checksum TEXT NOT NULL, created_by TEXT NOT NULL, created_at TEXT NOT NULL,
  change_summary TEXT NOT NULL, rollback_of INTEGER, entry INTEGER NOT NULL,
  PRIMARY KEY (resource_type, resource_id, version_number)) STRICT;

CREATE TABLE cluster (only INTEGER PRIMARY KEY CHECK (only = 1), cluster_id TEXT NOT NULL, ca_certificate_pem TEXT NOT NULL,
  ca_private_key TEXT NOT NULL, created_at TEXT NOT NULL) STRICT;
CREATE TABLE signing_keys (key_id TEXT PRIMARY KEY, public_jwk TEXT NOT NULL, private_jwk TEXT NOT NULL,
  created_at TEXT NOT NULL) STRICT;

CREATE TABLE enrolment_tokens (id TEXT PRIMARY KEY, agent_id TEXT NOT NULL, token_hash TEXT NOT NULL UNIQUE,
  created_at TEXT NOT NULL, expires_at TEXT NOT NULL, used_at TEXT, used_public_key TEXT) STRICT;
CREATE INDEX enrolment_tokens_by_agent ON enrolment_tokens (agent_id);
CREATE TABLE agent_keys (agent_id TEXT PRIMARY KEY, public_key TEXT NOT NULL, primary_id TEXT NOT NULL,
  primary_key TEXT NOT NULL, secondary_id TEXT, secondary_key TEXT) STRICT;

CREATE TABLE sessions (id TEXT PRIMARY KEY, user_id TEXT NOT NULL, refresh_hash TEXT NOT NULL, sealed_refresh TEXT,
  rotated_at INTEGER, created_at TEXT NOT NULL, expires_at TEXT NOT NULL, remote_address TEXT NOT NULL,
  ended_at TEXT, end_reason TEXT) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);
CREATE TABLE replaced_refresh_hashes (session_id TEXT NOT NULL, hash TEXT NOT NULL, entry INTEGER NOT NULL,
  PRIMARY KEY (session_id, hash)) STRICT, WITHOUT ROWID;
CREATE TABLE login_failures (email TEXT NOT NULL COLLATE NOCASE, remote_address TEXT NOT NULL, failures INTEGER NOT NULL,
  last_failed_at TEXT NOT NULL, entry INTEGER NOT NULL, PRIMARY KEY (email, remote_address)) STRICT;
CREATE INDEX login_failures_by_entry ON login_failures (entry);

CREATE TABLE deployments (id TEXT PRIMARY KEY, agent_id TEXT NOT NULL, workspace_id TEXT NOT NULL, generation TEXT NOT NULL,
  status TEXT NOT NULL, started_at TEXT NOT NULL, finished_at TEXT NOT NULL, entry INTEGER NOT NULL,
  position INTEGER NOT NULL, data TEXT NOT NULL) STRICT;
CREATE INDEX deployments_by_agent ON deployments (agent_id, entry, position);
CREATE INDEX deployments_by_finish ON deployments (finished_at);
CREATE TABLE generations (generation TEXT PRIMARY KEY, settled INTEGER NOT NULL, failed INTEGER NOT NULL,
  rolled_back INTEGER NOT NULL, rollback_failed INTEGER NOT NULL, interrupted INTEGER NOT NULL, manifest TEXT,
  entry INTEGER NOT NULL) STRICT;
CREATE INDEX generations_by_entry ON generations (entry);
CREATE TABLE serving_generations (agent_id TEXT PRIMARY KEY, generation TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX serving_generations_by_generation ON serving_generations (generation);

CREATE TABLE idempotency (principal TEXT NOT NULL, key TEXT NOT NULL, body_hash TEXT NOT NULL, outcome TEXT NOT NULL,
  expires_at_millis INTEGER NOT NULL, PRIMARY KEY (principal, key)) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_expiry ON idempotency (expires_at_millis);

CREATE TABLE audit (entry INTEGER PRIMARY KEY, at TEXT NOT NULL, principal TEXT NOT NULL, command TEXT NOT NULL,
  kind TEXT, resource_id TEXT, before TEXT, after TEXT, remote_address TEXT, outcome TEXT NOT NULL,
  previous_hash TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
CREATE INDEX audit_by_resource ON audit (kind, resource_id);
CREATE INDEX audit_by_principal ON audit (principal);
`

/** Sessions of proposers as Raft keeps them (rule 7): in the state's own file, so that they and it belong to one entry. */
const sessionsOfRaft = `
CREATE TABLE raft_sessions (session INTEGER PRIMARY KEY, last_used INTEGER NOT NULL, acknowledged INTEGER NOT NULL) STRICT;
CREATE TABLE raft_answers (session INTEGER NOT NULL, serial INTEGER NOT NULL, result BLOB,
  PRIMARY KEY (session, serial)) STRICT;
`

/** Several masters: who they are and were, who may join, what they agree on, and which of them holds which agent. */
const severalMasters = `
ALTER TABLE cluster ADD COLUMN epoch INTEGER NOT NULL DEFAULT 1;
ALTER TABLE cluster ADD COLUMN frozen INTEGER NOT NULL DEFAULT 0;
ALTER TABLE cluster ADD COLUMN freeze_reason TEXT;
ALTER TABLE cluster ADD COLUMN cluster_version INTEGER NOT NULL DEFAULT 1;

CREATE TABLE masters (${stamped}, name TEXT NOT NULL UNIQUE COLLATE NOCASE, peer_address TEXT NOT NULL UNIQUE COLLATE NOCASE,
  agent_address TEXT NOT NULL UNIQUE COLLATE NOCASE, http_address TEXT NOT NULL, voter INTEGER NOT NULL) STRICT;
CREATE TABLE master_keys (master_id TEXT PRIMARY KEY, public_key TEXT NOT NULL UNIQUE) STRICT, WITHOUT ROWID;
CREATE TABLE removed_masters (id TEXT PRIMARY KEY, name TEXT NOT NULL, removed_at TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE join_tokens (id TEXT PRIMARY KEY, token_hash TEXT NOT NULL UNIQUE, created_at TEXT NOT NULL,
  expires_at TEXT NOT NULL, used_at TEXT, used_by TEXT, used_public_key TEXT) STRICT;
CREATE TABLE agent_claims (agent_id TEXT PRIMARY KEY, master_id TEXT NOT NULL, incarnation TEXT NOT NULL,
  connection_epoch INTEGER NOT NULL, entry INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX agent_claims_by_master ON agent_claims (master_id);
`

/** What the masters said of their states at the entries of checks (rule 12). */
const checksOfState = `
CREATE TABLE state_checks (entry INTEGER PRIMARY KEY, voters TEXT NOT NULL) STRICT;
CREATE TABLE state_reports (entry INTEGER NOT NULL, master_id TEXT NOT NULL, digest TEXT NOT NULL,
  PRIMARY KEY (entry, master_id)) STRICT, WITHOUT ROWID;
`

/** What people asked of agents at once, the newest of each. */
const actionsOfAgents = `
CREATE TABLE agent_actions (id TEXT PRIMARY KEY, agent_id TEXT NOT NULL, workspace_id TEXT NOT NULL, requested_at TEXT NOT NULL,
  action TEXT NOT NULL, status TEXT NOT NULL, undo TEXT, entry INTEGER NOT NULL, data TEXT NOT NULL) STRICT;
CREATE INDEX agent_actions_by_agent ON agent_actions (agent_id, entry);
`

/**
 * Inside a transaction, which it neither begins nor ends. What it does follows from the rows that are there: no clock, no
 * randomness, no setting.
 */
type Step = (connection: Connection) => void

const statements =
  (sql: string): Step =>
  (connection) =>
    connection.execute(sql)

/** What cluster version 2 brings. One line for each part. */
const version2: ReadonlyArray<Step> = [statements(checksOfState)]

const inOrder =
  (steps: ReadonlyArray<Step>): Step =>
  (connection) =>
    steps.forEach((step) => step(connection))

/** Cluster version 3. */
const version3: ReadonlyArray<Step> = [statements(actionsOfAgents)]

/** Cluster version 4. */
const version4: ReadonlyArray<Step> = [
  statements(alerting),
  statements(identityTables),

  statements(accessTables),
  statements(auditPlaces),
  statements(keyRotations),
  statements(installationSettings)
]

/** The first is that of 0.1.0, from before there were cluster versions; each of the others is a version's. */
const steps: ReadonlyArray<Step> = [
  statements(initial),
  statements(sessionsOfRaft + severalMasters),
  inOrder(version2),
  inOrder(version3),
  inOrder(version4)
]

/** Each cluster version has one step, so the schema of a file tells its version, also where nothing was changed. */
const schemaOf = (clusterVersion: number): number => clusterVersion + 1
const versionOf = (schema: number): number => Math.max(1, schema - 1)

/** The state is at a version that this build does not know: it would misread it, or apply other things than the rest. */
export class StateVersionUnknown extends Data.TaggedError("StateVersionUnknown")<{
  readonly found: number
  readonly known: ClusterVersionRange
}> {
  override get message() {
    const { found, known } = this
    const knows = `the state is at cluster version ${found}, and this NxMesh knows versions ${known.lowest} to ${known.highest}`
    return found > known.highest
      ? `${knows}: start the newer NxMesh again that the other masters run; there is no way down but a backup`
      : `${knows}: start an older NxMesh, let the cluster rise to ${known.lowest}, then start this one`
  }
}

/** Pure: why a state with this schema cannot be used; `null`: it can. An empty one can. */
export const schemaProblem = (
  schema: number,
  known: ClusterVersionRange = clusterVersions
): StateVersionUnknown | null => {
  const found = versionOf(schema)
  const isKnown = schema === 0 || (known.lowest <= found && found <= known.highest)
  return isKnown ? null : new StateVersionUnknown({ found, known })
}

const take = (connection: Connection, schema: number): void => {
  const step = steps[schema - 1]
  if (step === undefined) throw new Error(`there is no step to schema ${schema}`)
  step(connection)
  connection.execute(`PRAGMA user_version = ${schema}`)
}

/**
 * Brings an empty state, and one of 0.1.0, to the schema of the first cluster version; any other has that of its own version
 * already. Throws StateVersionUnknown, or SQLite's error.
 */
export const migrate = (connection: Connection): void => {
  const found = connection.get<{ readonly user_version: number }>("PRAGMA user_version")?.user_version ?? 0
  const problem = schemaProblem(found)
  if (problem !== null) throw problem
  for (let schema = found + 1; schema <= schemaOf(clusterVersions.lowest); schema += 1) {
    connection.execute("BEGIN IMMEDIATE")
    take(connection, schema)
    connection.execute("COMMIT")
  }
}

/** Apply's own: takes the step from the version before to this one, in the transaction of the entry that raises the cluster. */
export const raiseSchema = (connection: Connection, clusterVersion: number): void => {
  if (clusterVersion > clusterVersions.highest) {
    throw new StateVersionUnknown({ found: clusterVersion, known: clusterVersions })
  }
  changingTables(connection, () => take(connection, schemaOf(clusterVersion)))
  connection.forget()
}
