/** Runs one GraphQL request on the logs. What is wrong with it is in `errors`, as the specification of GraphQL (October 2021, 7.1) has it. */
import type { GraphqlRequest } from "@nxmesh/protocol/api/AccessLogsApi"
import { execute, type ExecutionResult, GraphQLError, parse, validate } from "graphql"
import { Limits } from "../Limits.ts"
import type { AggregateArguments, PageArguments } from "./LogArguments.ts"
import { logSchema } from "./LogSchema.ts"
import { tooCostly } from "./QueryCost.ts"

/** Who answers the fields of `Query`; rejects with a `GraphQLError`. */
export interface LogResolvers {
  readonly accessLogs: (args: PageArguments) => Promise<ReadonlyArray<unknown>>
  readonly accessLogAggregate: (args: AggregateArguments) => Promise<ReadonlyArray<unknown>>
}

const refused = (errors: ReadonlyArray<GraphQLError>): ExecutionResult => ({
  errors: errors.slice(0, Limits.graphql.errorsMax)
})

const isError = (cause: unknown): cause is GraphQLError => cause instanceof GraphQLError

export const runLogQuery = async (request: GraphqlRequest, resolvers: LogResolvers): Promise<ExecutionResult> => {
  let document
  try {
    document = parse(request.query, { maxTokens: Limits.graphql.tokensMax })
  } catch (cause) {
    if (isError(cause)) return refused([cause])
    throw cause
  }
  const problems = validate(logSchema, document, undefined, { maxErrors: Limits.graphql.errorsMax })
  if (problems.length > 0) return refused(problems)
  const costly = tooCostly(document)
  if (costly !== null) return refused([new GraphQLError(costly)])
  return execute({
    schema: logSchema,
    document,
    rootValue: resolvers,
    variableValues: request.variables ?? {},
    operationName: request.operationName ?? null
  })
}
