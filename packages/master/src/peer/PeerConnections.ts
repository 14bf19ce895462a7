/**
 * HTTP clients for other masters, one for each: they keep their connections, show this master's certificate, and talk to
 * nobody but the master that is meant, whatever address it has.
 */
import type { PeerCertificate } from "node:tls"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import type { MasterId } from "@nxmesh/protocol/Ids"
import type { MasterDescription } from "@nxmesh/protocol/model/Master"
import { PeerApi } from "@nxmesh/protocol/peer/PeerApi"
import { certificateName } from "@nxmesh/raft/transport/tcp/Tls"
import { Effect, Exit, Redacted, Scope } from "effect"
import { type HttpApiClient, HttpApiClient as Client } from "effect/http-api"
import { masterUri } from "../consensus/CertificateNames.ts"
import type { MasterCertificate } from "../consensus/NodeIdentity.ts"
import { Limits } from "../Limits.ts"

const { peer: limits } = Limits

export type PeerCalls = HttpApiClient.ForApi<typeof PeerApi>

const namesAnyMaster = `URI:${certificateName("peer", "")}`

/**
 * In place of the check of host names: a master is known by its id, and may be reached by any name. `null`: any master that
 * the authority vouches for.
 */
const isMaster =
  (id: MasterId | null) =>
  (_host: string, { subjectaltname = "" }: PeerCertificate): Error | undefined => {
    const names = subjectaltname.split(", ")
    const isMeant =
      id === null ? names.some((name) => name.startsWith(namesAnyMaster)) : names.includes(`URI:${masterUri(id)}`)
    if (isMeant) return undefined
    return Object.assign(
      new Error(`this is not master ${id ?? "of any name"}: its certificate says ${subjectaltname || "no name"}`),
      {
        code: otherMaster
      }
    )
  }

/** Node's code for a certificate that names somebody else. */
export const otherMaster = "ERR_TLS_CERT_ALTNAME_INVALID"

const makeCalls = (
  { agent_address }: Pick<MasterDescription, "agent_address">,
  { authorityPem, certificatePem, privateKeyPem }: MasterCertificate,
  meant: MasterId | null
) =>
  Effect.gen(function* () {
    const agent = yield* NodeHttpClient.makeAgent({
      keepAlive: true,
      maxSockets: limits.connectionsPerMasterMax,
      // A resumed session would skip the check of who it is.
      maxCachedSessions: 0,
      minVersion: "TLSv1.3",
      ca: authorityPem,
      cert: `${certificatePem.trim()}\n${authorityPem.trim()}\n`,
      key: Redacted.value(privateKeyPem),
      checkServerIdentity: isMaster(meant)
    })
    const httpClient = yield* Effect.provideService(NodeHttpClient.makeNodeHttp, NodeHttpClient.HttpAgent, agent)
    return yield* Client.makeWith(PeerApi, { httpClient, baseUrl: `https://${agent_address}` })
  })

/** For one question to whichever master has the address, as after a recovery: the old id is no one's there. Kept for the scope. */
export const callsToWhoever = (master: Pick<MasterDescription, "agent_address">, certificate: MasterCertificate) =>
  makeCalls(master, certificate, null)

interface Kept {
  readonly address: string
  readonly certificatePem: string
  readonly calls: PeerCalls
  readonly scope: Scope.Closeable
  /** Calls that use it now. */
  users: number
  /** Another one took its place: it ends with the last of its calls. */
  isRetired: boolean
}

const closeUnused = (kept: Kept): Effect.Effect<void> =>
  kept.isRetired && kept.users === 0 ? Scope.close(kept.scope, Exit.void) : Effect.void

/** Made once, and again when the other's address or this master's certificate is another one. */
export const makePeerConnections = Effect.gen(function* () {
  const kept = new Map<MasterId, Kept>()
  const forget = (id: MasterId) =>
    Effect.suspend(() => {
      const found = kept.get(id)
      kept.delete(id)
      if (found === undefined) return Effect.void
      found.isRetired = true
      return closeUnused(found)
    })
  yield* Effect.addFinalizer(() =>
    Effect.forEach([...kept.values()], ({ scope }) => Scope.close(scope, Exit.void), { discard: true })
  )

  const current = Effect.fnUntraced(function* (master: MasterDescription, certificate: MasterCertificate) {
    const found = kept.get(master.id)
    if (found?.address === master.agent_address && found.certificatePem === certificate.certificatePem) return found
    yield* forget(master.id)
    const scope = yield* Scope.make()
    const calls = yield* Scope.provide(makeCalls(master, certificate, master.id), scope)
    const { certificatePem } = certificate
    const made: Kept = { address: master.agent_address, certificatePem, calls, scope, users: 0, isRetired: false }
    kept.set(master.id, made)
    return made
  })

  return {
    /** For as long as the scope lasts, also when the certificate is renewed meanwhile. */
    to: (master: MasterDescription, certificate: MasterCertificate): Effect.Effect<PeerCalls, never, Scope.Scope> =>
      Effect.acquireRelease(
        Effect.tap(current(master, certificate), (found) => Effect.sync(() => (found.users += 1))),
        (found) =>
          Effect.suspend(() => {
            found.users -= 1
            return closeUnused(found)
          })
      ).pipe(Effect.map(({ calls }) => calls)),
    /** Of masters that are members no more. */
    keepOnly: (ids: ReadonlySet<MasterId>) =>
      Effect.forEach(
        [...kept.keys()].filter((id) => !ids.has(id)),
        forget,
        { discard: true }
      )
  }
})
