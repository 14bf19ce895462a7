import { readCertificate } from "@nxmesh/core/crypto/CertificateFile"
import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { CertificateId, SecretVersionId, Sha256 } from "@nxmesh/protocol/Ids"
import type { CertificateCreate, CertificatePatch } from "@nxmesh/protocol/model/Certificate"
import type { ErrorDetail } from "@nxmesh/protocol/Rejection"
import { Clock, Effect, Result } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { sealedPlaces, Secrets } from "../secrets/Secrets.ts"
import type { ContentOf, ResourceOf } from "../state/Kinds.ts"
import { Reads } from "../state/Reads.ts"
import { certificateView } from "./CertificateView.ts"
import { changeSummary } from "./ChangeSummary.ts"
import { newId } from "./NewIds.ts"
import { invalid } from "./Refusal.ts"
import { unstamped } from "./Unstamped.ts"
import { versionedResourceHandlers } from "./VersionedResourceHandlers.ts"

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

/** A version's snapshot has no key: going back to it needs the one that was sealed then. */
const withKey = (content: Content, rollbackOf: number | null) =>
  rollbackOf === null
    ? Effect.succeed(content)
    : Reads.use((reads) => reads.certificateVersion(content.id, rollbackOf)).pipe(
        Effect.map((sealed) => sealed ?? content)
      )

/** Field by field, without the words of a sealed key. */
const summaryOf = (before: ResourceOf<"certificate">, after: Content) =>
  changeSummary(
    { name: before.name, certificate_pem: before.certificate_pem },
    { name: after.name, certificate_pem: after.certificate_pem }
  )

const certificates = versionedResourceHandlers({
  kind: "certificate",
  group: "certificates",
  collection: "certificates",
  view: (resource) => Effect.map(Clock.currentTimeMillis, (now) => certificateView(resource, now)),
  made: Effect.fnUntraced(function* ({
    certificate_pem,
    name,
    private_key_pem,
    provider,
    workspace_id
  }: CertificateCreate) {
    const id = yield* newId(CertificateId)
    const facts = yield* uploaded(id, { certificate_pem, private_key_pem })
    return { id, workspace_id, name, provider, auto_renew: false, ...facts }
  }),
  changed: Effect.fnUntraced(function* (current: ResourceOf<"certificate">, patch: CertificatePatch) {
    const replaced = yield* replacement(current, patch)
    return { ...unstamped(current), name: patch.name ?? current.name, ...replaced }
  }),
  summary: summaryOf,
  save: (content, stamps) =>
    Effect.map(withKey(content, stamps.rollback_of), (certificate) => ({
      _tag: "SaveCertificate",
      ...stamps,
      certificate
    })),
  delete: (id, stamps) => ({ _tag: "DeleteCertificate", id, ...stamps })
})

export const layerCertificates = HttpApiBuilder.group(NxMeshApi, "certificates", (handlers) =>
  handlers.handleAll({
    ...certificates,
    // Never 304: the status follows from the clock, too.
    get: ({ params }) => certificates.get({ params, headers: {} }),
    change: Effect.fnUntraced(function* (request) {
      const missing = halfPair(request.payload)
      return missing === undefined ? yield* certificates.change(request) : yield* Effect.fail(invalid([missing]))
    })
  })
)
