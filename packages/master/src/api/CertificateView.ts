/** Certificates as they are answered: without the key, with the status that follows from the dates. */
import type { Certificate } from "@nxmesh/protocol/model/Certificate"
import type { ResourceOf } from "../state/Kinds.ts"

/** What the view needs of a stored certificate: everything but the key. */
export type CertificateFacts = Omit<ResourceOf<"certificate">, "private_key" | "secret_version_id">

export const certificateStatus = (
  { expires_at, issued_at }: { readonly issued_at: string; readonly expires_at: string },
  nowMillis: number
): Certificate["status"] => {
  if (nowMillis >= Date.parse(expires_at)) return "expired"
  return nowMillis < Date.parse(issued_at) ? "pending" : "active"
}

export const certificateView = (
  stored: CertificateFacts | ResourceOf<"certificate">,
  nowMillis: number
): Certificate => {
  const { private_key: _key, secret_version_id: _version, ...facts } = stored as ResourceOf<"certificate">
  return { ...facts, status: certificateStatus(facts, nowMillis) }
}
