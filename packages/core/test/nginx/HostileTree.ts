/** One hostile text in one field: refused with the field named, or a bundle to render beside its plain twin. */
import { CertificateId, UpstreamId, VirtualHostId } from "@nxmesh/protocol/Ids"
import type { Upstream } from "@nxmesh/protocol/model/Upstream"
import type { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import { Result } from "effect"
import { parseProxyUrl } from "../../src/nginx/ProxyUrl.ts"
import type { Outline } from "../../../../test/support/NginxSyntax.ts"
import { certificate, host, upstream, uuid } from "./Fixtures.ts"
import type { Parts } from "./Fixtures.ts"
import {
  combine,
  decodeOrFields,
  fieldName,
  plainHost,
  plainUpstream,
  replaceAt,
  stringFields,
  UpstreamCreate,
  valueAt,
  VirtualHostCreate
} from "./Hostile.ts"
import type { FieldPath, Form } from "./Hostile.ts"

export interface Trial {
  readonly field: string
  readonly text: string
  /** The refused fields, or what to render with the text and without it. */
  readonly outcome: Result.Result<{ readonly hostile: Parts; readonly plain: Parts }, ReadonlyArray<string>>
}

export const hostFields = stringFields(VirtualHostCreate)
export const upstreamFields = stringFields(UpstreamCreate)

const companions: Parts = {
  upstreams: [upstream(0xb0, { id: UpstreamId.make(uuid(0xb0)) })],
  certificates: [certificate(0xc0, { id: CertificateId.make(uuid(0xc0)) })]
}

/** A plain text of the same kind, where what is rendered depends on the kind: a URL's scheme, host, port and path. */
const twinOf = (field: string, text: string, plain: string): string => {
  if (field !== "locations[].proxy_pass") return plain
  const url = parseProxyUrl(text)
  if (url === null) return plain
  const address = url.isAddress ? "192.0.2.7" : "backend.example"
  return `${url.scheme}://${address}${url.port === null ? "" : ":81"}${url.path === "" ? "" : "/base"}`
}

const complete = (input: Partial<VirtualHost>, number: number): VirtualHost => ({
  ...host(number),
  ...input,
  id: VirtualHostId.make(uuid(number)),
  // Names differ between trials, so that many can share one nginx.
  ...(input.server_name === plainHost["server_name"] ? { server_name: `plain-${number}.example.com` } : {})
})

const hostTrial = (path: FieldPath, form: Form, hostile: string, number: number): Trial => {
  const plain = String(valueAt(plainHost, path))
  const text = combine(form, hostile, plain)
  const field = fieldName(path)
  const decoded = decodeOrFields(VirtualHostCreate, replaceAt(plainHost, path, text))
  if (Result.isFailure(decoded)) return { field, text, outcome: Result.fail(decoded.failure) }
  const twin = decodeOrFields(VirtualHostCreate, replaceAt(plainHost, path, twinOf(field, text, plain)))
  const parts = (input: Partial<VirtualHost>): Parts => ({ ...companions, hosts: [complete(input, number)] })
  const outcome = { hostile: parts(decoded.success), plain: parts(Result.getOrThrow(twin)) }
  return { field, text, outcome: Result.succeed(outcome) }
}

const upstreamTrial = (path: FieldPath, form: Form, hostile: string, number: number): Trial => {
  const plain = String(valueAt(plainUpstream, path))
  const text = combine(form, hostile, plain)
  const field = `upstream ${fieldName(path)}`
  const decoded = decodeOrFields(UpstreamCreate, replaceAt(plainUpstream, path, text))
  if (Result.isFailure(decoded)) {
    return { field, text, outcome: Result.fail(decoded.failure.map((name) => `upstream ${name}`)) }
  }
  const parts = (input: Partial<Upstream>): Parts => ({
    upstreams: [{ ...upstream(number), ...input, id: UpstreamId.make(uuid(number)) }]
  })
  const twin = decodeOrFields(UpstreamCreate, plainUpstream)
  return {
    field,
    text,
    outcome: Result.succeed({ hostile: parts(decoded.success), plain: parts(Result.getOrThrow(twin)) })
  }
}

/** One trial per field. */
export const trials = (form: Form, hostile: string, firstNumber: number): ReadonlyArray<Trial> => [
  ...hostFields.map((path, index) => hostTrial(path, form, hostile, firstNumber + index)),
  ...upstreamFields.map((path, index) => upstreamTrial(path, form, hostile, firstNumber + hostFields.length + index))
]

/** Fields that hold directives by design: what they add stays inside their own block. */
export const isSnippet = (field: string): boolean => field.endsWith("snippet")

/** An outline without what a snippet may add: in a server all but its locations, in a location everything. */
export const withoutSnippets = (outline: Outline): Outline =>
  outline.map(([name, inside]) =>
    name === "server" && inside !== null
      ? [name, inside.filter(([inner]) => inner === "location").map(([inner]) => [inner, []] as const)]
      : [name, inside]
  )
