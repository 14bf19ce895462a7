/** Certificates and their versions (MF-004, CM-003). */
import { Schema } from "effect"
import { CertificateId, WorkspaceId } from "../Ids.ts"
import { Certificate, CertificateCreate, CertificatePatch } from "../model/Certificate.ts"
import { filterText, listQuery } from "./ListQuery.ts"
import { exampleId } from "./Requests.ts"
import { summarized } from "./Summarized.ts"
import { versionedResource } from "./VersionedResource.ts"

export class CertificatesApi extends versionedResource("certificates", "/certificates", {
  id: CertificateId,
  resource: Certificate,
  create: summarized(CertificateCreate, "CertificateCreateRequest"),
  patch: summarized(CertificatePatch, "CertificatePatchRequest"),
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
}) {}
