/** Certificates and their versions (MF-004, CM-003). */
import { Schema } from "effect"
import { HttpApiGroup } from "effect/http-api"
import { CertificateId, WorkspaceId } from "../Ids.ts"
import { Certificate, CertificateCreate, CertificatePatch } from "../model/Certificate.ts"
import { Authentication, RequestAttribution } from "./Authentication.ts"
import { filterText, listQuery } from "./ListQuery.ts"
import { exampleId } from "./Requests.ts"
import { createEndpoint, listEndpoint, versionedItemEndpoints } from "./ResourceEndpoints.ts"
import { removalQuery, summarized } from "./Summarized.ts"
import { versionEndpoints } from "./VersionEndpoints.ts"

const schemas = {
  id: CertificateId,
  resource: Certificate,
  create: summarized(CertificateCreate, "CertificateCreateRequest"),
  patch: summarized(CertificatePatch, "CertificatePatchRequest"),
  removal: removalQuery,
  query: listQuery(["name", "domain", "expires_at", "created_at", "updated_at"], "name", {
    workspace_id: Schema.optionalKey(WorkspaceId),
    name: Schema.optionalKey(filterText),
    domain: Schema.optionalKey(filterText)
  }),
  permissions: { read: "certificate:read", write: "certificate:write", remove: "certificate:delete" },
  example: {
    workspace_id: exampleId,
    name: "shop",
    certificate_pem: "-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n",
    private_key_pem: "-----BEGIN PRIVATE KEY-----\n…\n-----END PRIVATE KEY-----\n"
  }
} as const

export class CertificatesApi extends HttpApiGroup.make("certificates")
  .add(
    listEndpoint(schemas),
    createEndpoint(schemas),
    ...versionedItemEndpoints(schemas),
    ...versionEndpoints(schemas.id, schemas.resource, schemas.permissions)
  )
  .middleware(RequestAttribution)
  .middleware(Authentication)
  .prefix("/certificates") {}
