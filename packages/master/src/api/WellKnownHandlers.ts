import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Tokens } from "../auth/Tokens.ts"

export const layerWellKnown = HttpApiBuilder.group(
  NxMeshApi,
  "wellKnown",
  Effect.fnUntraced(function* (handlers) {
    const { keySet } = yield* Tokens
    const answer = Effect.map(keySet, ({ keys }) => ({ keys: keys.map((key) => ({ ...key })) }))
    return handlers.handleAll({ jwks: () => answer })
  })
)
