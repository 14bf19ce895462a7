/** The blocks of a PEM text (RFC 7468), each from its BEGIN line to its END line; what stands between is dropped. */
export interface PemBlock {
  /** As in `CERTIFICATE` or `EC PRIVATE KEY`. */
  readonly label: string
  readonly text: string
}

const block = /-----BEGIN ([A-Z0-9 ]+)-----\r?\n[A-Za-z0-9+/=\s:,-]*?-----END \1-----/g

export const pemBlocks = (text: string): ReadonlyArray<PemBlock> =>
  Array.from(text.matchAll(block), (match) => ({ label: match[1] ?? "", text: match[0] }))
