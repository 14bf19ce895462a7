/** Schema errors as the API words them: each with the field it is about. */
import type { Schema } from "effect"
import { SchemaIssue } from "effect"
import type { ErrorDetail } from "../Rejection.ts"

const leafMessage: SchemaIssue.LeafHook = (issue) => {
  switch (issue._tag) {
    case "MissingKey":
      return "is required"
    case "UnexpectedKey":
      return "is not a known field"
    default:
      return SchemaIssue.defaultLeafHook(issue)
  }
}

const format = SchemaIssue.makeFormatterStandardSchemaV1({ leafHook: leafMessage })

/** A path as people write it: `locations[0].path`. */
export const fieldPath = (path: ReadonlyArray<PropertyKey>): string =>
  path.reduce<string>((text, segment) => {
    if (typeof segment === "number") return `${text}[${segment}]`
    return text === "" ? String(segment) : `${text}.${String(segment)}`
  }, "")

/** A schema's own name tells a client nothing. */
const worded = (message: string): string => message.replace(/^Expected [A-Z]\w+$/, "must be a JSON object")

/** One detail per problem, in the order of the schema. */
export const schemaDetails = (error: Schema.SchemaError): ReadonlyArray<ErrorDetail> =>
  format(error.issue).issues.map(({ message, path }) => ({
    field: fieldPath((path ?? []).map((segment) => (typeof segment === "object" ? segment.key : segment))),
    message: worded(message)
  }))
