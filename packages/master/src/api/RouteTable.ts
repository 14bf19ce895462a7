/** Which paths exist and by which methods: for log lines and metrics (templates, not paths), and to tell 405 from 404. */
import { HttpApi } from "effect/http-api"
import type { HttpApiGroup } from "effect/http-api"

export interface Route {
  readonly method: string
  /** With parameters as `:name`. */
  readonly template: string
}

export type RouteMatch =
  | { readonly _tag: "Found"; readonly template: string }
  | { readonly _tag: "OtherMethods"; readonly template: string; readonly allowed: ReadonlyArray<string> }
  | { readonly _tag: "None" }

/** Routes of an HttpApi. */
export const apiRoutes = <Id extends string, Groups extends HttpApiGroup.Constraint>(
  api: HttpApi.HttpApi<Id, Groups>
): ReadonlyArray<Route> => {
  const routes: Array<Route> = []
  HttpApi.reflect(api, {
    onGroup: () => undefined,
    onEndpoint: ({ endpoint }) =>
      void routes.push({ method: endpoint.method, template: endpoint.path.replace(/(.)\/$/, "$1") })
  })
  return routes
}

const segmentsOf = (path: string) => path.split("/").filter((segment) => segment !== "")

/** How much of a template is literal: a literal segment beats a parameter, as in the router. */
const literals = (segments: ReadonlyArray<string>) =>
  segments.map((segment) => (segment.startsWith(":") ? "0" : "1")).join("")

export const makeRouteTable = (routes: ReadonlyArray<Route>): ((method: string, path: string) => RouteMatch) => {
  const byLength = new Map<number, Array<Route & { readonly segments: ReadonlyArray<string> }>>()
  for (const route of routes) {
    const segments = segmentsOf(route.template)
    const group = byLength.get(segments.length) ?? []
    group.push({ ...route, segments })
    byLength.set(segments.length, group)
  }
  for (const group of byLength.values()) {
    group.sort((a, b) => literals(b.segments).localeCompare(literals(a.segments)))
  }
  return (method, path) => {
    const segments = segmentsOf(path)
    const candidates = (byLength.get(segments.length) ?? []).filter((route) =>
      route.segments.every((segment, index) => segment.startsWith(":") || segment === segments[index])
    )
    const asked = method === "HEAD" ? "GET" : method
    const found = candidates.find((route) => route.method === asked)
    if (found !== undefined) return { _tag: "Found", template: found.template }
    const [other] = candidates
    if (other === undefined) return { _tag: "None" }
    return { _tag: "OtherMethods", template: other.template, allowed: candidates.map((route) => route.method) }
  }
}
