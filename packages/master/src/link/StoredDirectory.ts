/** The agents' directory over the replicated state: tokens are burned by the log, keys rest sealed. */
import type { AgentKeys } from "@nxmesh/core/crypto/CallSignature"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import type { SealError } from "@nxmesh/core/crypto/Sealer"
import { sha256Hex } from "@nxmesh/core/crypto/Sha256"
import type { Command } from "@nxmesh/protocol/Command"
import { type AgentId, KeyId, Sha256 } from "@nxmesh/protocol/Ids"
import { type LinkRefused, refused } from "@nxmesh/protocol/link/LinkRefused"
import type { Enrolment, SessionKey } from "@nxmesh/protocol/link/Registration"
import type { EnrolmentToken } from "@nxmesh/protocol/model/Agent"
import type { SealedSecret } from "@nxmesh/protocol/model/SealedSecret"
import type { Principal } from "@nxmesh/protocol/Principal"
import { DateTime, Effect, Layer, Redacted } from "effect"
import { Commands } from "../command/Commands.ts"
import { ReadBarrier } from "../command/ReadBarrier.ts"
import { sealedPlaces, Secrets } from "../secrets/Secrets.ts"
import { Reads } from "../state/Reads.ts"
import { AgentDirectory } from "./AgentDirectory.ts"
import { makeOpenedKeys } from "./OpenedKeys.ts"

const sessionKeyBytes = 32
const system: Principal = { _tag: "System", component: "link" }

const unavailable = (detail: string) => refused("unavailable", detail)

/** Pure: why a token is refused before the log is asked, which decides again; `null` when it may be tried. */
export const tokenRefusal = (
  token: EnrolmentToken | undefined,
  /** Of the agent's enrolment, if there was one. */
  publicKey: string | undefined,
  enrolment: Pick<Enrolment, "public_key">,
  now: string
): string | null => {
  if (token === undefined) return "this enrolment token is unknown or was revoked"
  if (token.used_at !== null) {
    return publicKey === enrolment.public_key ? null : "this enrolment token was used already"
  }
  return token.expires_at <= now ? "this enrolment token has expired" : null
}

export const StoredDirectory = Layer.effect(
  AgentDirectory,
  Effect.gen(function* () {
    const barrier = yield* ReadBarrier
    const commands = yield* Commands
    const identifiers = yield* Identifiers
    const reads = yield* Reads
    const secrets = yield* Secrets
    const opened = yield* makeOpenedKeys

    const submit = (principal: Principal, command: Command, remoteAddress: string | null) =>
      commands.submit({ principal, command, remoteAddress }).pipe(
        Effect.mapError((error): LinkRefused => {
          if (error._tag === "CommandError") return unavailable("the master cannot write now; try again")
          const { code, details, message } = error.rejection
          const [detail] = details
          const sentence = detail === undefined ? message : `${message} ${detail.field}: ${detail.message}`
          return refused(code === "UNAUTHENTICATED" ? "token_refused" : "unavailable", sentence)
        })
      )
    const unseal = (agentId: AgentId, keyId: KeyId, key: SealedSecret) =>
      secrets.openBytes(key, sealedPlaces.agentKey(agentId, keyId)).pipe(
        Effect.tapError((error: SealError) => Effect.logError(`a session key does not open: ${error.message}`)),
        Effect.mapError(() => unavailable("the master cannot open the agent's key; see its log"))
      )
    const newKey = Effect.fnUntraced(function* (agentId: AgentId) {
      const keyId = KeyId.make(yield* identifiers.uuid)
      const plain = Redacted.make(yield* identifiers.randomBytes(sessionKeyBytes))
      return { key_id: keyId, key: yield* secrets.seal(plain, sealedPlaces.agentKey(agentId, keyId)) }
    })
    /** What the log decided: after a retry it is the key of the first time. */
    const primaryKey = Effect.fnUntraced(function* (agentId: AgentId) {
      const stored = yield* reads.agentKeys(agentId)
      if (stored === undefined) return yield* refused("unknown_agent", "the agent was removed meanwhile")
      const { key, key_id } = stored.primary
      const plain = Redacted.value(yield* unseal(agentId, key_id, key))
      const answer: SessionKey = { key_id, session_key: Buffer.from(plain).toString("base64") }
      return answer
    })

    /** What is not here may only not have come here yet: an agent enrols at one master and connects to another. */
    const upToDate = barrier.linearizable.pipe(Effect.mapError(({ message }) => unavailable(message)))
    const orWhenUpToDate = <A>(read: Effect.Effect<A | undefined>, suffices: (found: A) => boolean) =>
      Effect.flatMap(read, (found) =>
        found !== undefined && suffices(found) ? Effect.succeed(found) : Effect.andThen(upToDate, read)
      )

    const keys = Effect.fnUntraced(function* (
      agentId: AgentId,
      keyId: string
    ): Effect.fn.Return<AgentKeys, LinkRefused> {
      const known = opened.get(agentId)
      if (known?.has(keyId) === true) return known
      const version = opened.version()
      const stored = yield* orWhenUpToDate(
        reads.agentKeys(agentId),
        ({ primary, secondary }) => primary.key_id === keyId || secondary?.key_id === keyId
      )
      if (stored === undefined) return undefined
      const { primary, secondary } = stored
      const held = secondary === null ? [primary] : [primary, secondary]
      const pairs = yield* Effect.forEach(held, ({ key, key_id }) =>
        Effect.map(unseal(agentId, key_id, key), (plain) => [key_id, plain] as const)
      )
      const found = new Map<string, Redacted.Redacted<Uint8Array>>(pairs)
      opened.keep(agentId, found, version)
      return found
    })

    return AgentDirectory.of({
      keys,
      enrol: Effect.fn("StoredDirectory.enrol")(function* (enrolment, { remoteAddress }) {
        const tokenHash = Sha256.make(sha256Hex(enrolment.token))
        const token = yield* orWhenUpToDate(reads.enrolmentToken(tokenHash), () => true)
        const known = token === undefined ? undefined : yield* reads.agentKeys(token.agent_id)
        const now = DateTime.formatIso(yield* DateTime.now)
        const refusal = tokenRefusal(token, known?.public_key, enrolment, now)
        if (token === undefined || refusal !== null) return yield* refused("token_refused", refusal ?? "")
        const agentId = token.agent_id
        const { facts, public_key } = enrolment
        const session_key = yield* newKey(agentId)
        yield* submit(
          system,
          { _tag: "EnrolAgent", token_hash: tokenHash, public_key, session_key, facts, ip_address: remoteAddress },
          remoteAddress
        )
        const cluster = yield* reads.cluster
        if (cluster === undefined) return yield* unavailable("the cluster is not initialised")
        return { agent_id: agentId, cluster_id: cluster.cluster_id, ...(yield* primaryKey(agentId)) }
      }),
      rotateKey: Effect.fn("StoredDirectory.rotateKey")(function* (agentId, signedWith) {
        const stored = yield* reads.agentKeys(agentId)
        if (signedWith !== null && stored?.secondary?.key_id === signedWith) return yield* primaryKey(agentId)
        const session_key = yield* newKey(agentId)
        yield* submit(
          { _tag: "Agent", agent_id: agentId },
          { _tag: "RotateAgentKey", agent_id: agentId, session_key },
          null
        )
        return yield* primaryKey(agentId)
      })
    })
  })
).pipe(Layer.provide(Identifiers.layer))
