/**
 * The tables of telemetry.db. A row's id rises in the order in which rows were taken, so that the oldest are found without an
 * index on the time of their arrival. What was taken once is known by `positions`, and not taken again.
 */
import { type Column, type Table, tables } from "../TelemetryTables.ts"

/** Another one is set aside when it is found: what was told before is not worth a migration, and agents send what they still have. */
export const schemaVersion = 2

const typeNames = { text: "TEXT", integer: "INTEGER", real: "REAL" } as const

const columnText = ({ isOptional = false, name, type }: Column): string =>
  `${name} ${typeNames[type]}${isOptional ? "" : " NOT NULL"}`

const createTable = ({ columns, hasId, indexes, name, unique }: Table): string => {
  const parts = [
    ...(hasId ? ["id INTEGER PRIMARY KEY"] : []),
    ...columns.map(columnText),
    ...(unique === null ? [] : [`${hasId ? "UNIQUE" : "PRIMARY KEY"} (${unique})`])
  ]
  const statements = [`CREATE TABLE ${name} (${parts.join(", ")}) STRICT${hasId ? "" : ", WITHOUT ROWID"}`]
  for (const index of indexes) {
    const where = index.where === undefined ? "" : ` WHERE ${index.where}`
    statements.push(`CREATE INDEX ${index.name} ON ${name} (${index.columns})${where}`)
  }
  return statements.map((statement) => `${statement};\n`).join("")
}

export const schema = `
CREATE TABLE agents (id INTEGER PRIMARY KEY, agent_id TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE positions (id INTEGER PRIMARY KEY, agent INTEGER NOT NULL, outbox_id TEXT NOT NULL, sequence INTEGER NOT NULL,
  dropped INTEGER NOT NULL, seen INTEGER NOT NULL, UNIQUE (agent, outbox_id)) STRICT;
CREATE TABLE writers (writer TEXT PRIMARY KEY, sequence INTEGER NOT NULL, seen INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE metric_series (id INTEGER PRIMARY KEY, agent INTEGER NOT NULL, name TEXT NOT NULL, labels TEXT NOT NULL,
  UNIQUE (agent, name, labels)) STRICT;
${Object.values(tables).map(createTable).join("")}
PRAGMA user_version = ${schemaVersion};
`
