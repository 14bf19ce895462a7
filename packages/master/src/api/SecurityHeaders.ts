/**
 * What browsers are told with every answer (SF-003). A route that serves pages sets its own Content-Security-Policy, which goes
 * before this one; none may be framed by another site. Pure.
 */

/** Answers hold nothing that a page may run, embed or load from another site, or that a proxy may keep. */
const always = {
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "private, no-cache"
}

/** A year, in seconds: whoever came by https comes by nothing else (RFC 6797). Over plain HTTP it would mean nothing. */
const overTls = { "strict-transport-security": "max-age=31536000" }

export const securityHeaders = (isHttps: boolean): Readonly<Record<string, string>> =>
  isHttps ? { ...always, ...overTls } : always
