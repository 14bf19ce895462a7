/** Where a member serves its clients. */
export interface Endpoint {
  readonly id: string
  readonly host: string
  readonly port: number
}

/** PEM texts of one party of mutual TLS. */
export interface TlsIdentity {
  readonly ca: string
  readonly cert: string
  readonly key: string
}
