/** A master's real state in a directory of its own, up to the auth services: log, SQLite, secrets, first start. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { LoginGate } from "@nxmesh/master/auth/LoginGate"
import { Passwords } from "@nxmesh/master/auth/Passwords"
import { Sessions } from "@nxmesh/master/auth/Sessions"
import { Tokens } from "@nxmesh/master/auth/Tokens"
import { BootstrapLayer } from "@nxmesh/master/cluster/Bootstrap"
import { Commands } from "@nxmesh/master/command/Commands"
import { ReadBarrier } from "@nxmesh/master/command/ReadBarrier"
import { WriteGate } from "@nxmesh/master/command/WriteGate"
import { layerIdentity } from "@nxmesh/master/consensus/IdentityLayer"
import { JoinCluster } from "@nxmesh/master/joining/JoinCluster"
import { Secrets } from "@nxmesh/master/secrets/Secrets"
import { InstallationSettings } from "@nxmesh/master/settings/InstallationSettings"
import { readSettings } from "@nxmesh/core/settings/ReadSettings"
import { definitions, Settings, type SettingsShape } from "@nxmesh/master/Settings"
import { Database } from "@nxmesh/master/state/Database"
import { DataDirectory } from "@nxmesh/master/state/DataDirectory"
import { Events } from "@nxmesh/master/state/Events"
import { Reads } from "@nxmesh/master/state/Reads"
import { ReplicatedState } from "@nxmesh/master/state/ReplicatedState"
import { Effect, Layer, Redacted, Result } from "effect"
import { TestClock } from "effect/testing"
import { layerLocalRaft } from "../state/LocalRaft.ts"

export const administrator = { email: "ada@example.test", password: Redacted.make("a planted password 0123456789") }

export const temporaryDirectory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "nxmesh-master-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const settingsOf = (dataDirectory: string, over: Partial<SettingsShape>): SettingsShape => ({
  ...Result.getOrThrow(readSettings(definitions, {}, null)),
  httpAddress: { host: "127.0.0.1", port: 0 },
  agentAddress: { host: "127.0.0.1", port: 0 },
  peerAddress: { host: "127.0.0.1", port: 0 },
  dataDirectory,
  adminEmail: administrator.email,
  adminPassword: administrator.password,
  ...over
})

const noJoining = Layer.mock(JoinCluster)({})

const state = Layer.mergeAll(Commands.layer, ReadBarrier.layer, InstallationSettings.layer).pipe(
  Layer.provideMerge(layerLocalRaft),
  Layer.provideMerge(layerIdentity),
  Layer.provideMerge(Layer.mergeAll(Reads.layer, ReplicatedState.layer, WriteGate.layer, noJoining)),
  Layer.provideMerge(Layer.mergeAll(Database.layerNoDeps, Events.layer)),
  Layer.provideMerge(DataDirectory.layer)
)

/** Everything, over a data directory that may hold an earlier start's state. */
export const masterAt = (dataDirectory: string, over: Partial<SettingsShape> = {}) =>
  Sessions.layer.pipe(
    Layer.provideMerge(Layer.mergeAll(LoginGate.layer, Tokens.layer)),
    Layer.provideMerge(BootstrapLayer),
    Layer.provideMerge(Passwords.layer),
    Layer.provideMerge(state),
    Layer.provideMerge(Layer.mergeAll(Identifiers.layer, Metrics.layer, Secrets.layer)),
    Layer.provideMerge(Layer.succeed(Settings, settingsOf(dataDirectory, over)))
  )

/** The same in a directory that goes with the scope, on a test clock that shows a day of this century. */
export const master = Layer.unwrap(
  TestClock.setTime(1_790_000_000_000).pipe(
    Effect.andThen(temporaryDirectory),
    Effect.map((directory) => masterAt(directory))
  )
)
