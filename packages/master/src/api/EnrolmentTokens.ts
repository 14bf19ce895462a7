/** Enrolment tokens as the API issues them: the text once, with the command that enrols, ready to paste. */
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { sha256Hex } from "@nxmesh/core/crypto/Sha256"
import { type Address, addressText, listensEverywhere } from "@nxmesh/core/settings/SettingValues"
import type { Idempotency } from "@nxmesh/protocol/Command"
import { type AgentId, EnrolmentTokenId, Sha256 } from "@nxmesh/protocol/Ids"
import { EnrolmentToken, type IssuedEnrolmentToken } from "@nxmesh/protocol/model/Agent"
import { SealedSecret } from "@nxmesh/protocol/model/SealedSecret"
import { Clock, Effect, Redacted, Schema } from "effect"
import { HttpServerRequest } from "effect/http"
import { Cluster } from "../cluster/Cluster.ts"
import { Limits } from "../Limits.ts"
import { sealedPlaces, Secrets } from "../secrets/Secrets.ts"
import { Settings, type SettingsShape } from "../Settings.ts"
import { submit } from "./Submission.ts"

/** What may stand in a command line: a caller can send any Host. */
const plainHost = /^[A-Za-z0-9.:_-]+$/

/**
 * Where an agent finds this master: as advertised; as listened on, when that is one address; else by the name under
 * which the caller reached the API.
 */
export const agentEndpoint = (
  settings: Pick<SettingsShape, "advertiseAgent" | "agentAddress">,
  hostHeader: string | undefined
): Address => {
  if (settings.advertiseAgent !== null) return settings.advertiseAgent
  if (!listensEverywhere(settings.agentAddress)) return settings.agentAddress
  const host = hostHeader?.replace(/:\d+$/, "").replace(/^\[|\]$/g, "")
  return { host: host !== undefined && plainHost.test(host) ? host : "localhost", port: settings.agentAddress.port }
}

/** Pure: the shell command that enrols. Token and fingerprint are of characters that need no quotes. */
export const enrolmentCommand = (endpoint: Address, token: string, fingerprint: string): string =>
  `NXMESH_MASTER_URL=wss://${addressText(endpoint)} NXMESH_CA_FINGERPRINT=${fingerprint} NXMESH_AGENT_TOKEN=${token} nxmesh-agent`

const Created = Schema.Struct({ token: EnrolmentToken, sealed_token: SealedSecret })
const decodeCreated = Schema.decodeUnknownEffect(Created)

/** Makes a token. Under a key that was used before, answers the token of the first time, text and all. */
export const issueToken = Effect.fn("EnrolmentTokens.issue")(function* (
  agentId: AgentId,
  ttlSeconds: number,
  idempotency: Idempotency | null
) {
  const identifiers = yield* Identifiers
  const secrets = yield* Secrets
  const id = EnrolmentTokenId.make(yield* identifiers.uuid)
  const text = yield* identifiers.token(Limits.api.enrolmentTokenBytes)
  const now = yield* Clock.currentTimeMillis
  const accepted = yield* submit(
    {
      _tag: "CreateEnrolmentToken",
      id,
      agent_id: agentId,
      token_hash: Sha256.make(sha256Hex(Redacted.value(text))),
      expires_at: new Date(now + ttlSeconds * 1_000).toISOString(),
      sealed_token: yield* secrets.seal(text, sealedPlaces.enrolmentToken(id))
    },
    idempotency
  )
  const { sealed_token, token } = yield* Effect.orDie(decodeCreated(accepted.value))
  const first = yield* Effect.orDie(secrets.open(sealed_token, sealedPlaces.enrolmentToken(token.id)))
  return { index: accepted.index, issued: yield* described(token, Redacted.value(first)) }
})

const described = Effect.fnUntraced(function* (token: typeof EnrolmentToken.Type, text: string) {
  const { authorityFingerprint } = yield* Cluster
  const request = yield* HttpServerRequest.HttpServerRequest
  const endpoint = agentEndpoint(yield* Settings, request.headers["host"])
  const issued: IssuedEnrolmentToken = {
    ...token,
    token: text,
    ca_fingerprint: authorityFingerprint,
    command: enrolmentCommand(endpoint, text, authorityFingerprint)
  }
  return issued
})
