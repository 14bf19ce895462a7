import { readCertificate } from "@nxmesh/core/crypto/CertificateFile"
import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { CertificateId, SecretVersionId, Sha256 } from "@nxmesh/protocol/Ids"
import type { ErrorDetail } from "@nxmesh/protocol/Rejection"
import { Clock, Effect, Result } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { sealedPlaces, Secrets } from "../secrets/Secrets.ts"
import type { ContentOf, ResourceOf } from "../state/Kinds.ts"
import { Reads } from "../state/Reads.ts"
import { type CertificateFacts, certificateView } from "./CertificateView.ts"
import { changeResource, existing } from "./Change.ts"
import { changeSummary } from "./ChangeSummary.ts"
import { answerCreated, answerOne, ifMatchRevision } from "./ConditionalRequest.ts"
import { lastVersion, newId, newVersion } from "./NewIds.ts"
import { answerPage, listQueryOf } from "./Pagination.ts"
import { invalid } from "./Refusal.ts"
import { type Place, rollBack } from "./Rollback.ts"
import { idempotencyOf, submit } from "./Submission.ts"
import { unstamped } from "./Unstamped.ts"
import { answerDiff, answerVersion, answerVersions } from "./VersionHandlers.ts"

type Content = ContentOf<"certificate">
interface Pair {
  readonly certificate_pem: string
  readonly private_key_pem: string
}

/** What an upload says, with its key sealed for the certificate's place. */
const uploaded = Effect.fnUntraced(function* (id: CertificateId, pair: Pair) {
  const read = readCertificate(pair.certificate_pem, pair.private_key_pem)
  if (Result.isFailure(read)) return yield* Effect.fail(invalid([read.failure]))
  const { private_key_pem, fingerprint_sha256, ...facts } = read.success
  const private_key = yield* (yield* Secrets).seal(private_key_pem, sealedPlaces.certificate(id))
  return {
    ...facts,
    fingerprint_sha256: Sha256.make(fingerprint_sha256),
    private_key,
    secret_version_id: yield* newId(SecretVersionId)
  }
})

/** Certificate and key are replaced together or not at all. */
const halfPair = (patch: Partial<Pair>): ErrorDetail | undefined => {
  if ((patch.certificate_pem === undefined) === (patch.private_key_pem === undefined)) return undefined
  return patch.certificate_pem === undefined
    ? { field: "certificate_pem", message: "is required with private_key_pem" }
    : { field: "private_key_pem", message: "is required with certificate_pem" }
}

/** The same certificate again has the same key: nothing is new then, and no agent is given anything. */
const replacement = Effect.fnUntraced(function* (current: ResourceOf<"certificate">, patch: Partial<Pair>) {
  const { certificate_pem, private_key_pem } = patch
  if (certificate_pem === undefined || private_key_pem === undefined) return {}
  const upload = yield* uploaded(current.id, { certificate_pem, private_key_pem })
  return upload.certificate_pem === current.certificate_pem ? {} : upload
})

const save = Effect.fnUntraced(function* (
  certificate: Content,
  place: Place,
  summary: string,
  rollbackOf: number | null = null
) {
  return { _tag: "SaveCertificate" as const, ...place, ...(yield* newVersion(summary, rollbackOf)), certificate }
})

/** Field by field, without the words of a sealed key. */
const summaryOf = (before: ResourceOf<"certificate">, after: Content) =>
  changeSummary(
    { name: before.name, certificate_pem: before.certificate_pem },
    { name: after.name, certificate_pem: after.certificate_pem }
  )

const view = (value: unknown) =>
  Effect.map(Clock.currentTimeMillis, (now) => certificateView(value as CertificateFacts, now))

export const layerCertificates = HttpApiBuilder.group(
  NxMeshApi,
  "certificates",
  Effect.fnUntraced(function* (handlers) {
    const reads = yield* Reads
    return handlers.handleAll({
      list: Effect.fn("certificates.list")(function* ({ query }) {
        const index = yield* reads.appliedIndex
        const { items, total } = yield* reads.list("certificate", listQueryOf(query))
        return yield* answerPage(query, { items: yield* Effect.forEach(items, view), total }, index)
      }),
      create: Effect.fn("certificates.create")(function* ({ headers, payload }) {
        const id = yield* newId(CertificateId)
        const { change_summary, name, provider, workspace_id, ...pair } = payload
        const facts = yield* uploaded(id, pair)
        const accepted = yield* submit(
          yield* save(
            { id, workspace_id, name, provider, auto_renew: false, ...facts },
            { mode: "create", if_match: null },
            change_summary ?? "created"
          ),
          idempotencyOf(headers["idempotency-key"], { method: "POST", path: "certificates", payload })
        )
        return yield* answerCreated(yield* view(accepted.value), accepted.index, "certificates")
      }),
      get: Effect.fn("certificates.get")(function* ({ params }) {
        const index = yield* reads.appliedIndex
        return yield* answerOne(yield* view(yield* existing("certificate", params.id)), index)
      }),
      change: Effect.fn("certificates.change")(function* ({ headers, params, payload }) {
        const missing = halfPair(payload)
        if (missing !== undefined) return yield* Effect.fail(invalid([missing]))
        const accepted = yield* changeResource({
          kind: "certificate",
          id: params.id,
          ifMatch: ifMatchRevision(headers["if-match"]),
          command: Effect.fnUntraced(function* (current) {
            const replaced = yield* replacement(current, payload)
            const content = { ...unstamped(current), name: payload.name ?? current.name, ...replaced }
            const summary = payload.change_summary ?? summaryOf(current, content)
            return yield* save(content, { mode: "update", if_match: current.revision }, summary)
          })
        })
        return yield* answerOne(yield* view(accepted.value), accepted.index)
      }),
      remove: Effect.fn("certificates.remove")(function* ({ headers, params, query }) {
        const version = yield* lastVersion(query.change_summary ?? "deleted")
        const if_match = ifMatchRevision(headers["if-match"])
        yield* submit({ _tag: "DeleteCertificate", id: params.id, if_match, ...version })
      }),
      versions: ({ params, query }) => answerVersions("certificate", params.id, query),
      version: ({ params }) => answerVersion("certificate", params.id, params.version),
      diff: ({ params, query }) => answerDiff("certificate", params.id, query),
      rollback: Effect.fn("certificates.rollback")(function* ({ headers, params, payload }) {
        const accepted = yield* rollBack(
          "certificate",
          params.id,
          payload,
          headers,
          Effect.fnUntraced(function* (content, place, summary) {
            const withKey = yield* reads.certificateVersion(params.id, payload.version)
            return yield* save(withKey ?? content, place, summary, payload.version)
          })
        )
        return yield* answerOne(yield* view(accepted.value), accepted.index)
      })
    })
  })
)
