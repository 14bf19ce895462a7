/** API keys as they are issued: the text once. */
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import type { Idempotency } from "@nxmesh/protocol/Command"
import type { ServiceAccountId } from "@nxmesh/protocol/Ids"
import { SealedSecret } from "@nxmesh/protocol/model/SealedSecret"
import { ApiKey, type ApiKeyCreate, type IssuedApiKey } from "@nxmesh/protocol/model/ServiceAccount"
import { Clock, Effect, Redacted, Schema } from "effect"
import { makeApiKeyText } from "../auth/ApiKeyText.ts"
import { sealedPlaces, Secrets } from "../secrets/Secrets.ts"
import { Reads } from "../state/Reads.ts"
import { invalid } from "./Refusal.ts"
import { submit } from "./Submission.ts"

const Created = Schema.Struct({ api_key: ApiKey, sealed_key: SealedSecret })
const decodeCreated = Schema.decodeUnknownEffect(Created)

/** The organization of a key that is for one workspace need not be named. */
const scopeOf = Effect.fnUntraced(function* ({ organization_id, workspace_id }: ApiKeyCreate) {
  if (workspace_id === null) return { organization_id, workspace_id }
  const workspace = yield* (yield* Reads).get("workspace", workspace_id)
  if (workspace === undefined || (organization_id ?? workspace.organization_id) !== workspace.organization_id) {
    const where = organization_id === null ? "" : " of the organization"
    return yield* Effect.fail(invalid([{ field: "workspace_id", message: `names no workspace${where}` }]))
  }
  return { organization_id: workspace.organization_id, workspace_id }
})

/** Makes a key. Under a request's key that was used before, answers the API key of the first time, text and all. */
export const issueApiKey = Effect.fn("ApiKeys.issue")(function* (
  accountId: ServiceAccountId,
  asked: ApiKeyCreate,
  idempotency: Idempotency | null
) {
  const secrets = yield* Secrets
  const { hash, id, text } = yield* makeApiKeyText.pipe(Effect.provideService(Identifiers, yield* Identifiers))
  const nowMillis = yield* Clock.currentTimeMillis
  const { expires_in_seconds } = asked
  const accepted = yield* submit(
    {
      _tag: "CreateApiKey",
      api_key: {
        id,
        service_account_id: accountId,
        name: asked.name,
        permissions: asked.permissions,
        ...(yield* scopeOf(asked)),
        expires_at: expires_in_seconds === null ? null : new Date(nowMillis + expires_in_seconds * 1_000).toISOString()
      },
      secret_hash: hash,
      sealed_key: yield* secrets.seal(text, sealedPlaces.apiKey(id))
    },
    idempotency
  )
  const { api_key, sealed_key } = yield* Effect.orDie(decodeCreated(accepted.value))
  const first = yield* Effect.orDie(secrets.open(sealed_key, sealedPlaces.apiKey(api_key.id)))
  const issued: IssuedApiKey = { ...api_key, key: Redacted.value(first) }
  return { index: accepted.index, issued }
})
