/** Join tokens as the API issues them: the text once, with the command that joins, ready to paste on the new machine. */
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { sha256Hex } from "@nxmesh/core/crypto/Sha256"
import { listensEverywhere, readAddress } from "@nxmesh/core/settings/SettingValues"
import type { Idempotency } from "@nxmesh/protocol/Command"
import { JoinTokenId, Sha256 } from "@nxmesh/protocol/Ids"
import { type IssuedJoinToken, JoinToken } from "@nxmesh/protocol/model/Master"
import { SealedSecret } from "@nxmesh/protocol/model/SealedSecret"
import { joinTokenText } from "@nxmesh/protocol/peer/Joining"
import { Clock, Effect, Redacted, Result, Schema } from "effect"
import { Cluster } from "../cluster/Cluster.ts"
import { Limits } from "../Limits.ts"
import { sealedPlaces, Secrets } from "../secrets/Secrets.ts"
import type { ResourceOf } from "../state/Kinds.ts"
import { Reads } from "../state/Reads.ts"
import { refuse } from "./Refusal.ts"
import { submit } from "./Submission.ts"

type Stored = ResourceOf<"master">

/** An address that tells others where the master is. */
const isReachable = (text: string): boolean => {
  const address = readAddress(text)
  return Result.isSuccess(address) && !listensEverywhere(address.success) && address.success.port !== 0
}

/** Pure: why nobody could join these masters; `null`: they can. */
export const unjoinableBecause = (masters: ReadonlyArray<Stored>): string | null => {
  for (const { agent_address, name, peer_address } of masters) {
    const missing = [
      ...(isReachable(peer_address) ? [] : [`NXMESH_ADVERTISE_PEER (it says ${peer_address})`]),
      ...(isReachable(agent_address) ? [] : [`NXMESH_ADVERTISE_AGENT (it says ${agent_address})`])
    ]
    if (missing.length > 0) {
      return `The others could not reach master ${name}: set ${missing.join(" and ")} there to host:port, and start it again`
    }
  }
  return null
}

/** Pure: the shell command that joins. Addresses and token are of characters that need no quotes. */
export const joinCommand = (masters: ReadonlyArray<Pick<Stored, "agent_address" | "name">>, token: string): string => {
  const sorted = [...masters].sort((left, right) => (left.name < right.name ? -1 : 1))
  return `NXMESH_JOIN=${sorted.map(({ agent_address }) => agent_address).join(",")} NXMESH_JOIN_TOKEN=${token} nxmesh-master`
}

const Created = Schema.Struct({ token: JoinToken, sealed_token: SealedSecret })
const decodeCreated = Schema.decodeUnknownEffect(Created)

/** Makes a token. Under a key that was used before, answers the token of the first time, text and all. */
export const issueJoinToken = Effect.fn("JoinTokens.issue")(function* (
  ttlSeconds: number,
  idempotency: Idempotency | null
) {
  const { masters: members } = yield* Reads
  const masters = yield* members
  const unjoinable = unjoinableBecause(masters)
  if (unjoinable !== null) return yield* Effect.fail(refuse("CONFLICT", unjoinable))
  const identifiers = yield* Identifiers
  const secrets = yield* Secrets
  const { authorityFingerprint } = yield* Cluster
  const id = JoinTokenId.make(yield* identifiers.uuid)
  const secret = yield* identifiers.token(Limits.api.joinTokenBytes)
  const text = Redacted.make(joinTokenText(authorityFingerprint, Redacted.value(secret)))
  const now = yield* Clock.currentTimeMillis
  const accepted = yield* submit(
    {
      _tag: "CreateJoinToken",
      id,
      token_hash: Sha256.make(sha256Hex(Redacted.value(text))),
      expires_at: new Date(now + ttlSeconds * 1_000).toISOString(),
      sealed_token: yield* secrets.seal(text, sealedPlaces.joinToken(id))
    },
    idempotency
  )
  const { sealed_token, token } = yield* Effect.orDie(decodeCreated(accepted.value))
  const first = Redacted.value(yield* Effect.orDie(secrets.open(sealed_token, sealedPlaces.joinToken(token.id))))
  const issued: IssuedJoinToken = { ...token, token: first, command: joinCommand(masters, first) }
  return { index: accepted.index, issued }
})
