/** Every string field of a resource, found in its schema, and texts that try to be more than a value. */
import { UpstreamCreate } from "@nxmesh/protocol/model/Upstream"
import { VirtualHostCreate } from "@nxmesh/protocol/model/VirtualHost"
import { Result, Schema, SchemaIssue } from "effect"
import { uuid, workspace } from "./Fixtures.ts"

/** A step into an object, or `*` for each item of a list. */
export type FieldPath = ReadonlyArray<string>
export const fieldName = (path: FieldPath): string => path.join(".").replaceAll(".*", "[]")

interface Ast {
  readonly _tag: string
  readonly propertySignatures?: ReadonlyArray<{ readonly name: PropertyKey; readonly type: Ast }>
  readonly elements?: ReadonlyArray<Ast>
  readonly rest?: ReadonlyArray<Ast>
  readonly types?: ReadonlyArray<Ast>
}

const walk = (ast: Ast, path: FieldPath): ReadonlyArray<FieldPath> => {
  if (ast._tag === "String" || ast._tag === "TemplateLiteral") return [path]
  return [
    ...(ast.propertySignatures ?? []).flatMap(({ name, type }) => walk(type, [...path, String(name)])),
    ...[...(ast.elements ?? []), ...(ast.rest ?? [])].flatMap((item) => walk(item, [...path, "*"])),
    ...(ast.types ?? []).flatMap((member) => walk(member, path))
  ]
}

/** Paths of all fields that hold free text, each once. */
export const stringFields = (schema: Schema.Top): ReadonlyArray<FieldPath> => {
  const byName = new Map(walk(schema.ast as unknown as Ast, []).map((path) => [fieldName(path), path]))
  return Array.from(byName.values())
}

type Json = string | number | boolean | null | ReadonlyArray<Json> | { readonly [name: string]: Json }

/** A virtual host that sets every string field, as a request would. */
export const plainHost: { readonly [name: string]: Json } = {
  workspace_id: workspace,
  name: "plain",
  server_name: "plain.example.com",
  listen_port: 18_080,
  ssl_certificate_id: uuid(0xc0),
  rate_limiting: { requests: 10, per: "second", burst: 5 },
  access_rules: [{ action: "deny", address: "192.0.2.1" }],
  real_ip: { from: ["192.0.2.0/24"], header: "X-Real-IP" },
  template: "default",
  snippet: "client_header_timeout 10s;",
  target_agents: { scope: "agents", agent_ids: [uuid(0xa0)] },
  locations: [
    { path: "/fixed", return: { status: 200, text: "plain" } },
    {
      path: "/",
      proxy_pass: "http://backend.example:8080/base",
      custom_headers: [{ name: "X-Plain", value: "value" }],
      rewrite_rules: [{ pattern: "^/old$", replacement: "/new", flag: "last" }],
      access_rules: [{ action: "allow", address: "198.51.100.0/24" }],
      snippet: "proxy_redirect off;"
    },
    { path: "/files", root: "/srv/www", index: "index.html" },
    { path: "/pool", upstream_id: uuid(0xb0) }
  ]
}

export const plainUpstream: { readonly [name: string]: Json } = {
  workspace_id: workspace,
  name: "pool",
  servers: [{ address: "backend.example:8080" }],
  health_check: { type: "http", path: "/health" }
}

/** The value at a path: of the first item of a list that has one. */
export const valueAt = (value: Json, [step, ...rest]: FieldPath): Json | undefined => {
  if (step === undefined) return value === null ? undefined : value
  if (step === "*") {
    const items = Array.isArray(value) ? (value as ReadonlyArray<Json>) : []
    return items.map((item) => valueAt(item, rest)).find((found) => found !== undefined)
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined
  const inner = (value as { readonly [name: string]: Json })[step]
  return inner === undefined ? undefined : valueAt(inner, rest)
}

/** A copy with another text there. */
export const replaceAt = (value: Json, [step, ...rest]: FieldPath, text: string): Json => {
  if (step === undefined) return text
  if (step === "*") {
    const items = value as ReadonlyArray<Json>
    const at = items.findIndex((item) => valueAt(item, rest) !== undefined)
    return items.map((item, index) => (index === at ? replaceAt(item, rest, text) : item))
  }
  const record = value as { readonly [name: string]: Json }
  return { ...record, [step]: replaceAt(record[step] ?? null, rest, text) }
}

const fragments = [
  ";",
  "{",
  "}",
  '"',
  "'",
  "\\",
  "$",
  "#",
  "\n",
  "\r",
  "\t",
  "\0",
  " ",
  '\\"',
  "${",
  "$host",
  "$uri",
  "$1",
  "(",
  ")",
  "[",
  "]",
  "*",
  "~",
  "~* ",
  "= ",
  "^~ ",
  "/",
  ":",
  ",",
  ".",
  "..",
  "@",
  "%",
  "%0a",
  "é",
  "日",
  "\u0085",
  "\u2028",
  "\u007f",
  "\u{1f600}",
  "a",
  "example.com",
  "http://",
  "unix:/tmp/x",
  "off",
  "all",
  "; return 200",
  "} location /x {",
  '"; return 200 "',
  "'; include /etc/passwd; '",
  "{{port}}",
  "{{{x}}}",
  "\\\\",
  "default_server",
  " backup",
  "0"
] as const

/** How a hostile text is put together with the plain one, so that many of them are nearly valid. */
export const forms = ["alone", "before", "after", "inside"] as const
export type Form = (typeof forms)[number]
export const combine = (form: Form, hostile: string, plain: string): string => {
  const middle = Math.floor(plain.length / 2)
  switch (form) {
    case "alone":
      return hostile
    case "before":
      return hostile + plain
    case "after":
      return plain + hostile
    case "inside":
      return plain.slice(0, middle) + hostile + plain.slice(middle)
  }
}

export const HostileText = Schema.NonEmptyArray(Schema.Literals(fragments)).check(Schema.isMaxLength(5))
export const HostileForm = Schema.Literals(forms)
const format = SchemaIssue.makeFormatterStandardSchemaV1()
const nameOf = (steps: ReadonlyArray<string>): string =>
  steps.reduce((name, step) => (/^\d+$/.test(step) ? `${name}[]` : name === "" ? step : `${name}.${step}`), "")

/** The decoded resource, or the names of the fields that were refused. */
export const decodeOrFields = <A>(
  schema: Schema.Codec<A, unknown>,
  input: unknown
): Result.Result<A, ReadonlyArray<string>> => {
  const decoded = Schema.decodeUnknownResult(schema, { errors: "all" })(input)
  if (Result.isSuccess(decoded)) return Result.succeed(decoded.success)
  const { issues } = format(decoded.failure.issue)
  return Result.fail(
    issues.map(({ path = [] }) => nameOf(path.map((step) => String(typeof step === "object" ? step.key : step))))
  )
}

export { UpstreamCreate, VirtualHostCreate }
