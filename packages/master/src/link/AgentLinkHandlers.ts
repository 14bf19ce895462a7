/** The master's answers to its agents. Each needs a session, which `Register` opens for the connection. */
import type { AgentId } from "@nxmesh/protocol/Ids"
import { AgentLink, CurrentCaller } from "@nxmesh/protocol/link/AgentLink"
import { type LinkRefused, refused } from "@nxmesh/protocol/link/LinkRefused"
import { commonVersion, spokenVersions } from "@nxmesh/protocol/link/LinkVersion"
import type { Registration } from "@nxmesh/protocol/link/Registration"
import { DateTime, Deferred, Effect, Scope } from "effect"
import { DriftAcceptance } from "../drift/DriftAcceptance.ts"
import { AgentDirectory } from "./AgentDirectory.ts"
import { type AgentConnection, AgentGateway } from "./AgentGateway.ts"
import { AgentServerSettings } from "./AgentServerSettings.ts"
import { provesKey } from "./EnrolmentProof.ts"
import { closeCodes, type LinkConnection, LinkConnections } from "./LinkConnection.ts"
import { LinkMetrics } from "./LinkMetrics.ts"
import { TelemetryStore } from "../telemetry/TelemetryStore.ts"
import { recordRefusal } from "./LinkProtocol.ts"

/** What agents are told when the master goes away in good order. */
export const stopReason = "the master stops"

interface Verified {
  readonly connection: LinkConnection
  readonly agentId: AgentId
}
interface Registered extends Verified {
  readonly session: AgentConnection
}

const superseded = refused(
  "superseded",
  "a newer connection of this agent is open: two agents may run with one data directory"
)

/** `null` when the versions meet and this connection is the newest of its agent, else why it is refused. */
const registrationRefusal = (
  registration: Registration,
  older: LinkConnection | undefined,
  connection: LinkConnection
): LinkRefused | null => {
  const { newest, oldest } = registration.protocol
  if (commonVersion(spokenVersions, registration.protocol) === null) {
    return refused(
      "protocol_version",
      `the agent speaks link versions ${oldest} to ${newest} and this master ${spokenVersions.oldest} to ${spokenVersions.newest}: upgrade the ${newest < spokenVersions.oldest ? "agent" : "masters"}`
    )
  }
  if (connection.session !== null) return refused("malformed", "this connection is registered already")
  if (older !== undefined && older.epoch > registration.connection_epoch) {
    return superseded
  }
  return null
}

export const AgentLinkHandlers = AgentLink.toLayer(
  Effect.gen(function* () {
    const acceptance = yield* DriftAcceptance
    const connections = yield* LinkConnections
    const directory = yield* AgentDirectory
    const gateway = yield* AgentGateway
    const metrics = yield* LinkMetrics
    const settings = yield* AgentServerSettings
    const telemetry = yield* TelemetryStore

    const connectionOf = Effect.gen(function* () {
      const { connectionId } = yield* CurrentCaller
      const connection = connections.get(connectionId)
      return connection ?? (yield* refused("unavailable", "the connection is closing"))
    })
    const verified = Effect.gen(function* (): Effect.fn.Return<Verified, LinkRefused, CurrentCaller> {
      const connection = yield* connectionOf
      const { agentId } = connection
      return agentId === null ? yield* refused("unsigned", "this call must be signed") : { connection, agentId }
    })
    const registered = Effect.gen(function* (): Effect.fn.Return<Registered, LinkRefused, CurrentCaller> {
      const { agentId, connection } = yield* verified
      const { session } = connection
      return session === null
        ? yield* refused("unregistered", "Register comes before every other call of a connection")
        : { connection, agentId, session }
    })

    /** Counts what a handler refuses, and ends the connection when trying again cannot help. */
    const counted =
      (procedure: string) =>
      <A, R>(effect: Effect.Effect<A, LinkRefused, R>): Effect.Effect<A, LinkRefused, R | CurrentCaller> =>
        Effect.tapError(effect, (refusal) =>
          Effect.gen(function* () {
            const { agentId, connectionId, remoteAddress } = yield* CurrentCaller
            yield* recordRefusal(refusal, { remoteAddress, agentId, procedure })
            const connection = connections.get(connectionId)
            if (connection !== undefined && (refusal.permanent || refusal.reason === "superseded")) {
              connection.ending = refusal.reason
            }
          }).pipe(Effect.provideService(LinkMetrics, metrics))
        )

    const register = Effect.fn("AgentLink.Register")(function* (registration: Registration) {
      const { agentId, connection } = yield* verified
      const protocol = commonVersion(spokenVersions, registration.protocol) ?? spokenVersions.newest
      const refusal = registrationRefusal(registration, connections.ofAgent(agentId), connection)
      if (refusal !== null) return yield* refusal
      connection.epoch = registration.connection_epoch
      const session = yield* Scope.provide(
        gateway.connect({
          agentId,
          registration,
          protocol,
          remoteAddress: connection.remoteAddress,
          close: (why) => connection.close(why === "superseded" ? closeCodes.superseded : closeCodes.goingAway, why)
        }),
        connection.scope
      )
      // Another may have registered while the session was made: the newest of them stays.
      const older = connections.ofAgent(agentId)
      if (older !== undefined && older.epoch > connection.epoch) return yield* superseded
      older?.close(closeCodes.superseded, "superseded")
      connections.registered(connection, agentId)
      connection.settled()
      connection.session = session
      return {
        protocol,
        heartbeat_seconds: session.heartbeatSeconds,
        server_time: DateTime.formatIso(yield* DateTime.now),
        cluster_epoch: session.clusterEpoch,
        masters: yield* settings.masters
      }
    })

    return AgentLink.of({
      Enrol: Effect.fn("AgentLink.Enrol")(function* (enrolment) {
        const caller = yield* CurrentCaller
        const connection = yield* connectionOf
        if (!provesKey(enrolment, caller.channelBinding)) {
          return yield* refused("bad_proof", "the proof is not an Ed25519 signature of the token on this connection")
        }
        const enrolled = yield* directory.enrol(enrolment, caller)
        yield* Deferred.succeed(connection.authenticated, undefined)
        return { ...enrolled, masters: yield* settings.masters }
      }, counted("Enrol")),
      Register: (registration) => register(registration).pipe(counted("Register")),
      Directives: ({ have }) =>
        registered.pipe(
          Effect.tap(({ session }) =>
            Deferred.isDoneUnsafe(connections.stopping) ? session.dismiss(stopReason) : Effect.void
          ),
          Effect.flatMap(({ session }) => session.directives(have)),
          counted("Directives")
        ),
      FetchBundle: ({ generation }) =>
        registered.pipe(
          Effect.flatMap(({ agentId }) => gateway.bundle(agentId, generation)),
          counted("FetchBundle")
        ),
      ReportDeployments: (report) =>
        registered.pipe(
          Effect.flatMap(({ session }) => session.reportDeployments(report)),
          counted("ReportDeployments")
        ),
      ReportHealth: (report) =>
        registered.pipe(
          Effect.flatMap(({ agentId, session }) =>
            Effect.andThen(session.reportHealth(report), telemetry.note(agentId, "health", report))
          ),
          counted("ReportHealth")
        ),
      ReportAction: (outcome) =>
        registered.pipe(
          Effect.flatMap(({ session }) => session.reportAction(outcome)),
          counted("ReportAction")
        ),
      ReportLogs: (report) =>
        registered.pipe(
          Effect.flatMap(({ agentId, session }) =>
            Effect.andThen(session.reportLogs(report), telemetry.note(agentId, "logs", report))
          ),
          counted("ReportLogs")
        ),
      ReportMetrics: (report) =>
        registered.pipe(
          Effect.flatMap(({ agentId, session }) =>
            Effect.andThen(session.reportMetrics(report), telemetry.note(agentId, "metrics", report))
          ),
          counted("ReportMetrics")
        ),
      // That reports have to wait is told once by the store: a fleet asks again every few seconds.
      ReportOutbox: (batch) =>
        registered.pipe(
          counted("ReportOutbox"),
          Effect.flatMap(({ agentId }) => telemetry.take(agentId, batch)),
          Effect.catchTag("TelemetryUnavailable", ({ message }) => refused("unavailable", message))
        ),
      OfferDrift: (offer) =>
        registered.pipe(
          Effect.flatMap(({ agentId }) => acceptance.offer(agentId, offer)),
          counted("OfferDrift")
        ),
      RotateKey: () =>
        registered.pipe(
          Effect.flatMap(({ agentId, connection }) => directory.rotateKey(agentId, connection.keyId)),
          counted("RotateKey")
        )
    })
  })
)
