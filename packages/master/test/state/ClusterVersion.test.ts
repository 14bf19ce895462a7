/** The schema and apply's behaviour follow the cluster's version, and not the build (rule 6). */
import { assert, describe, it } from "@effect/vitest"
import { clusterVersions } from "@nxmesh/protocol/ClusterVersion"
import type { Command } from "@nxmesh/protocol/Command"
import { RaftNode } from "@nxmesh/raft/node/RaftNode"
import { Effect, Queue } from "effect"
import { join } from "node:path"
import { Commands } from "../../src/command/Commands.ts"
import { type Connection, openConnection } from "../../src/state/Connection.ts"
import { Database } from "../../src/state/Database.ts"
import { Events } from "../../src/state/Events.ts"
import { migrate, raiseSchema, schemaProblem } from "../../src/state/Migrations.ts"
import { Reads } from "../../src/state/Reads.ts"
import { decodeOutcome, encodeProposal } from "../../src/state/replica/CommandBytes.ts"
import { proposalOf } from "./replica/TestState.ts"
import { admit, description, initialise, ofVersion1 } from "./TestCluster.ts"
import { masterLayer, onMaster, rejected, submit, temporaryDirectory } from "./TestMaster.ts"

const newest = clusterVersions.highest
const initialisedAt = (cluster_version: number, master = description(1)) =>
  ({ ...initialise(master), cluster_version }) as Command

const schema = Database.use(({ writer }) => Effect.sync(() => schemaOf(writer)))
const schemaOf = (connection: Connection) => ({
  schema: connection.get<{ user_version: number }>("PRAGMA user_version")?.user_version,
  tables: connection.all("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name")
})

const raised = Effect.gen(function* () {
  for (let version = 2; version <= newest; version += 1) yield* submit({ _tag: "SetClusterVersion", version })
})

describe("the schema (rule 6)", () => {
  it.effect("a new cluster begins at the highest version of its first master, in its first entry", () =>
    onMaster(
      Effect.gen(function* () {
        assert.strictEqual((yield* schema).schema, 2, "an empty state has the schema of version 1")
        yield* submit(initialisedAt(newest))
        assert.strictEqual((yield* Reads.use(({ clusterState }) => clusterState))?.clusterVersion, newest)
        assert.strictEqual((yield* schema).schema, newest + 1)
      })
    )
  )

  it.effect("rises inside the entry of SetClusterVersion, to what a new cluster of that version has", () =>
    Effect.gen(function* () {
      const begun = yield* onMaster(Effect.andThen(submit(initialisedAt(newest)), schema))
      const risen = yield* onMaster(
        Effect.gen(function* () {
          yield* submit(initialise())
          const events = yield* Events.use(({ subscribe }) => subscribe)
          assert.strictEqual((yield* schema).schema, 2)
          yield* raised
          const seen = (yield* Queue.clear(events)).map(({ event }) => event)
          assert.deepInclude(seen, { _tag: "ClusterVersionRaised", version: newest })
          return yield* schema
        })
      )
      assert.deepStrictEqual(risen, begun)
    })
  )

  it.effect("a state of an older version keeps its schema when this build opens it", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const before = yield* Effect.provide(Effect.andThen(submit(initialise()), schema), masterLayer(directory))
      const after = yield* Effect.provide(schema, masterLayer(directory))
      assert.deepStrictEqual(after, before)
      assert.strictEqual(after.schema, 2)
      const risen = yield* Effect.provide(Effect.andThen(raised, schema), masterLayer(directory))
      assert.strictEqual(risen.schema, newest + 1)
      assert.deepStrictEqual(yield* Effect.provide(schema, masterLayer(directory)), risen)
    })
  )

  it.effect("a step that fails leaves the version and the schema that there were", () =>
    onMaster(
      Effect.gen(function* () {
        yield* submit(initialise())
        const before = yield* schema
        const { writer } = yield* Database
        writer.execute("BEGIN IMMEDIATE; SAVEPOINT entry")
        raiseSchema(writer, 2)
        writer.execute("CREATE TABLE half_done (id TEXT) STRICT")
        assert.notDeepEqual(schemaOf(writer), before)
        writer.execute("ROLLBACK TO entry; RELEASE entry; COMMIT")
        assert.deepStrictEqual(schemaOf(writer), before)
      })
    )
  )

  it.effect("what was prepared before answers with the new columns after", () =>
    Effect.gen(function* () {
      const file = join(yield* temporaryDirectory, "state.db")
      const [writer, reader] = [false, true].map((readOnly) => {
        const connection = openConnection(file, { readOnly, busyMillisMax: 0 })
        if (!readOnly)
          connection.execute("PRAGMA journal_mode = WAL; CREATE TABLE t (a INT) STRICT; INSERT INTO t VALUES (1)")
        return connection
      }) as [Connection, Connection]
      const rows = (connection: Connection) => connection.all("SELECT * FROM t")
      assert.deepStrictEqual([rows(writer), rows(reader)], [[{ a: 1 }], [{ a: 1 }]])
      writer.execute("ALTER TABLE t ADD COLUMN b INT DEFAULT 2")
      for (const connection of [writer, reader]) {
        connection.forget()
        assert.deepStrictEqual(rows(connection), [{ a: 1, b: 2 }])
        connection.close()
      }
    })
  )
})

describe("a command newer than the cluster (rule 6)", () => {
  const newer: Command = { _tag: "CheckState" }

  it.effect("is refused before the log, with what to do", () =>
    onMaster(
      Effect.gen(function* () {
        yield* submit(initialise())
        const error = yield* Effect.flip(submit(newer))
        assert.deepInclude(error, { _tag: "CommandRejected", index: 0 })
        assert.include(
          error.message,
          "the cluster is at version 1, and CheckState needs version 2: upgrade every master"
        )
      })
    )
  )

  it.effect("is refused by apply on every master alike, should it be in the log, and taken from its version on", () =>
    onMaster(
      Effect.gen(function* () {
        yield* submit(initialise())
        const node = yield* RaftNode
        const inTheLog = Effect.map(node.propose(encodeProposal(proposalOf(newer))), ({ result }) =>
          decodeOutcome(result)
        )
        const before = yield* inTheLog
        assert.strictEqual(before._tag === "Rejected" ? before.rejection.code : "accepted", "UNPROCESSABLE")
        yield* raised
        assert.strictEqual((yield* inTheLog)._tag, "Accepted")
      })
    )
  )
})

describe("versions that a build does not know (rule 6)", () => {
  const problem = (userVersion: number, lowest: number, highest: number) =>
    schemaProblem(userVersion, { lowest, highest })?.message ?? null

  it("a state above them is refused, and it says to start the newer build", () => {
    assert.include(
      problem(3, 1, 1),
      "at cluster version 2, and this NxMesh knows versions 1 to 1: start the newer NxMesh"
    )
    assert.isNull(problem(3, 1, 2))
  })

  it("a state below them is refused, and it says to rise first", () => {
    assert.include(problem(2, 2, 3), "start an older NxMesh, let the cluster rise to 2")
    assert.include(problem(1, 2, 3), "cluster version 1")
    assert.isNull(problem(3, 2, 3))
  })

  it("an empty state and one of 0.1.0 begin at version 1", () => {
    assert.isNull(problem(0, 1, 1))
    assert.isNull(problem(0, 2, 2))
    assert.isNull(problem(1, 1, 2))
  })

  it.effect("a step that the build does not have stops the master, and changes nothing", () =>
    onMaster(
      Effect.gen(function* () {
        const knows = { cluster_versions: { lowest: 1, highest: newest + 1 } }
        yield* submit(initialisedAt(newest, description(1, knows)))
        const before = yield* schema
        const error = yield* Effect.flip(submit({ _tag: "SetClusterVersion", version: newest + 1 }))
        assert.strictEqual(error._tag, "CommandError", "it is no refusal, which other masters would not share")
        assert.deepStrictEqual(yield* schema, before)
        const stopped = yield* Effect.flip(Commands.use(({ failure }) => failure))
        assert.include(stopped.message, `cluster version ${newest + 1}, and this NxMesh knows versions 1 to ${newest}`)
      })
    )
  )

  it.effect("a build that does not know the cluster's version is not let in", () =>
    onMaster(
      Effect.gen(function* () {
        yield* submit(initialisedAt(newest))
        const refusal = yield* rejected(admit(2, { master: description(2, ofVersion1) }))
        assert.strictEqual(refusal.code, "UNPROCESSABLE")
        assert.include(refusal.message, `the cluster is at version ${newest}, and NxMesh 0.2.0 knows 1 to 1`)
      })
    )
  )

  it.effect("an empty database begins at version 1, also where nothing else happens to it", () =>
    Effect.gen(function* () {
      const connection = openConnection(join(yield* temporaryDirectory, "s.db"), { readOnly: false, busyMillisMax: 0 })
      migrate(connection)
      assert.strictEqual(schemaOf(connection).schema, 2)
      migrate(connection)
      connection.close()
    })
  )
})
