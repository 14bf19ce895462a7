/** A virtual host as its form holds it: text where a person types, and what is sent when it is read. Pure. */
import { type Location, type VirtualHost, VirtualHostCreate } from "@nxmesh/protocol/model/VirtualHost"
import type { WorkspaceId } from "@nxmesh/protocol/Ids"
import { Result, Schema } from "effect"
import { schemaDetails } from "@nxmesh/protocol/api/SchemaDetails"

export const sources = ["upstream_id", "proxy_pass", "root", "return"] as const
export type Source = (typeof sources)[number]

export interface LocationDraft {
  readonly path: string
  readonly source: Source
  /** An upstream's id, a URL, a directory or a text, as the source says. */
  readonly target: string
  readonly status: number
  readonly websocket: boolean
  readonly snippet: string
  /** What the form does not show goes back as it came. */
  readonly rest: Partial<Location>
}

export interface HostDraft {
  readonly name: string
  readonly enabled: boolean
  readonly server_name: string
  readonly listen_port: number
  readonly ssl_enabled: boolean
  readonly ssl_certificate_id: string | null
  readonly redirect_http: boolean
  readonly http2_enabled: boolean
  readonly gzip_enabled: boolean
  readonly snippet: string
  readonly locations: ReadonlyArray<LocationDraft>
  readonly rest: Partial<VirtualHost>
}

export const emptyLocation: LocationDraft = {
  path: "/",
  source: "proxy_pass",
  target: "",
  status: 200,
  websocket: false,
  snippet: "",
  rest: {}
}

export const emptyHost: HostDraft = {
  name: "",
  enabled: true,
  server_name: "",
  listen_port: 80,
  ssl_enabled: false,
  ssl_certificate_id: null,
  redirect_http: false,
  http2_enabled: false,
  gzip_enabled: false,
  snippet: "",
  locations: [emptyLocation],
  rest: {}
}

const locationDraft = (location: Location): LocationDraft => {
  const source = sources.find((one) => location[one] !== null) ?? "proxy_pass"
  return {
    path: location.path,
    source,
    target: source === "return" ? (location.return?.text ?? "") : (location[source] ?? ""),
    status: location.return?.status ?? 200,
    websocket: location.websocket,
    snippet: location.snippet ?? "",
    rest: location
  }
}

export const draftOf = (host: VirtualHost): HostDraft => ({
  name: host.name,
  enabled: host.enabled,
  server_name: host.server_name,
  listen_port: host.listen_port,
  ssl_enabled: host.ssl_enabled,
  ssl_certificate_id: host.ssl_certificate_id,
  redirect_http: host.redirect_http,
  http2_enabled: host.http2_enabled,
  gzip_enabled: host.gzip_enabled,
  snippet: host.snippet ?? "",
  locations: host.locations.map(locationDraft),
  rest: host
})

const nullWhenEmpty = (text: string): string | null => (text.trim() === "" ? null : text)

const locationInput = ({ path, rest, snippet, source, status, target, websocket }: LocationDraft) => ({
  path,
  proxy_pass: source === "proxy_pass" ? target : null,
  upstream_id: source === "upstream_id" ? target : null,
  root: source === "root" ? target : null,
  index: source === "root" ? (rest.index ?? null) : null,
  return: source === "return" ? { status, text: target } : null,
  custom_headers: rest.custom_headers ?? [],
  rewrite_rules: rest.rewrite_rules ?? [],
  access_rules: rest.access_rules ?? [],
  websocket,
  ...(rest.proxy === undefined ? {} : { proxy: rest.proxy }),
  snippet: nullWhenEmpty(snippet)
})

const stampNames: ReadonlySet<string> = new Set(["id", "workspace_id", "created_at", "updated_at", "revision"])

export const hostInput = (draft: HostDraft) => {
  const { locations, rest, snippet, ...fields } = draft
  const kept = Object.fromEntries(Object.entries(rest).filter(([name]) => !stampNames.has(name)))
  return { ...kept, ...fields, snippet: nullWhenEmpty(snippet), locations: locations.map(locationInput) }
}

export type ReadDraft =
  | { readonly _tag: "Valid"; readonly input: typeof VirtualHostCreate.Type }
  /** By field, as the master names them. */
  | { readonly _tag: "Invalid"; readonly problems: Readonly<Record<string, string>> }

const decode = Schema.decodeUnknownResult(VirtualHostCreate, { errors: "all" })

/** What the master would say to it, as far as that can be told without asking. */
export const readDraft = (draft: HostDraft, workspaceId: WorkspaceId): ReadDraft => {
  const read = decode({ workspace_id: workspaceId, ...hostInput(draft) })
  if (Result.isSuccess(read)) return { _tag: "Valid", input: read.success }
  return {
    _tag: "Invalid",
    problems: Object.fromEntries(schemaDetails(read.failure).map(({ field, message }) => [field, message]))
  }
}
