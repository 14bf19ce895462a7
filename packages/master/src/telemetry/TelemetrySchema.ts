/**
 * The tables of telemetry.db. A row's id rises in the order in which rows were taken, so that the oldest are found without an
 * index on time. The place in the outbox is part of the key: what was taken once is not taken again.
 */
import { type TelemetryKind, telemetryKinds } from "./TelemetryStore.ts"

export const schemaVersion = 1

/** One health report of an agent at one time, whether it came by itself, from the outbox, or both. */
const keyOf = (kind: TelemetryKind): string =>
  kind === "health" ? "UNIQUE (agent, at)" : "UNIQUE (outbox, sequence, line)"

const table = (kind: TelemetryKind): string => `
CREATE TABLE ${kind} (id INTEGER PRIMARY KEY, agent INTEGER NOT NULL, at INTEGER NOT NULL, received INTEGER NOT NULL,
  outbox INTEGER, sequence INTEGER, line INTEGER NOT NULL, data TEXT NOT NULL, ${keyOf(kind)}) STRICT;
CREATE INDEX ${kind}_by_agent ON ${kind} (agent, id);
`

export const schema = `
CREATE TABLE agents (id INTEGER PRIMARY KEY, agent_id TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE positions (id INTEGER PRIMARY KEY, agent INTEGER NOT NULL, outbox_id TEXT NOT NULL, sequence INTEGER NOT NULL,
  dropped INTEGER NOT NULL, seen INTEGER NOT NULL, UNIQUE (agent, outbox_id)) STRICT;
${telemetryKinds.map(table).join("")}
PRAGMA user_version = ${schemaVersion};
`
