/** What every stored resource has, and how the schemas of creating, changing and answering derive from one set of fields. */
import { Effect, Schema, Struct } from "effect"
import { Timestamp } from "./Text.ts"

/** Position in the log of the entry that last changed a resource. Its ETag is this number, quoted. */
export const Revision = Schema.Int.check(Schema.isGreaterThan(0))
export type Revision = typeof Revision.Type

/** Set by the master, never by a client. */
export const stamps = {
  created_at: Timestamp,
  updated_at: Timestamp,
  revision: Revision
}

/** A field that a creating request may leave out. */
export const withDefault = <S extends Schema.Top>(schema: S, value: S["Type"]) =>
  schema.pipe(Schema.withDecodingDefaultTypeKey(Effect.succeed(value)))

/** A changing request: any of the fields, each replaced whole; what is absent stays. */
export const patch = <Fields extends Schema.Struct.Fields>(fields: Fields) =>
  Schema.Struct(fields).mapFields(Struct.map(Schema.optionalKey))

export const etagOf = (revision: number): string => `"${revision}"`
