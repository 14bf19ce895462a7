/** Which requests are shipped: the same ones wherever it is asked, so that the share is a share of requests. Pure. */
import { createHash } from "node:crypto"

/** A number in [0, 1) that a request's id, or its line, always has. */
export const share = (key: string): number => {
  // $request_id is random already (ngx_http_variable_request_id).
  const digits = /^[0-9a-f]{32}$/.test(key) ? key : createHash("sha256").update(key).digest("hex")
  return Number.parseInt(digits.slice(0, 12), 16) / 2 ** 48
}

/** Errors of the server are always shipped, unless nothing is. */
export const isSampled = (ratio: number, status: number | null, key: string): boolean =>
  ratio > 0 && (ratio >= 1 || (status !== null && status >= 500) || share(key) < ratio)
