/** Arguments of GraphQL as the queries of REST, which one schema decodes. Pure. */

export interface FilterArgument {
  readonly agentId?: string | null
  readonly workspaceId?: string | null
  readonly host?: string | null
  readonly timeRange?: { readonly from?: string | null; readonly to?: string | null } | null
  readonly statusCode?: {
    readonly eq?: number | null
    readonly gte?: number | null
    readonly lte?: number | null
  } | null
  readonly status?: string | null
  readonly method?: string | null
  readonly pathPrefix?: string | null
  readonly text?: string | null
  readonly responseTimeMs?: { readonly gte?: number | null; readonly lte?: number | null } | null
  readonly remoteAddress?: string | null
  readonly requestId?: string | null
  readonly virtualHostId?: string | null
}

/** What is absent or null is no condition. */
const given = (fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null))

const least = (...bounds: ReadonlyArray<number | null | undefined>) =>
  bounds.reduce(
    (least, bound) => (bound === null || bound === undefined ? least : Math.max(least ?? bound, bound)),
    null
  )
const most = (...bounds: ReadonlyArray<number | null | undefined>) =>
  bounds.reduce((most, bound) => (bound === null || bound === undefined ? most : Math.min(most ?? bound, bound)), null)

export const filterOf = (filter: FilterArgument | null | undefined): Readonly<Record<string, unknown>> =>
  given({
    agent_id: filter?.agentId,
    workspace_id: filter?.workspaceId,
    host: filter?.host,
    from: filter?.timeRange?.from,
    to: filter?.timeRange?.to,
    status: filter?.status,
    status_gte: least(filter?.statusCode?.eq, filter?.statusCode?.gte),
    status_lte: most(filter?.statusCode?.eq, filter?.statusCode?.lte),
    method: filter?.method,
    path_prefix: filter?.pathPrefix,
    text: filter?.text,
    latency_ms_gte: filter?.responseTimeMs?.gte,
    latency_ms_lte: filter?.responseTimeMs?.lte,
    remote_address: filter?.remoteAddress,
    request_id: filter?.requestId,
    virtual_host_id: filter?.virtualHostId
  })

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
const camel = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())

/** An answer's fields by GraphQL's names. */
export const camelled = (row: object): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [camel(name), value]))

export interface PageArguments {
  readonly filter?: FilterArgument | null
  readonly limit?: number | null
  readonly after?: string | null
}

export const pageQueryOf = ({ after, filter, limit }: PageArguments) => given({ ...filterOf(filter), limit, after })

export interface AggregateArguments {
  readonly filter?: FilterArgument | null
  readonly groupBy?: ReadonlyArray<string> | null
  readonly bucketSeconds?: number | null
  readonly limit?: number | null
}

export const aggregateQueryOf = ({ bucketSeconds, filter, groupBy, limit }: AggregateArguments) =>
  given({
    ...filterOf(filter),
    limit,
    bucket_seconds: bucketSeconds,
    group_by: groupBy === undefined || groupBy === null || groupBy.length === 0 ? null : groupBy.map(snake).join(",")
  })

/** A group's dimensions as a list: GraphQL has no maps. */
export const keyOf = (key: Readonly<Record<string, string | null>>) =>
  Object.entries(key).map(([dimension, value]) => ({ dimension: camel(dimension), value }))
