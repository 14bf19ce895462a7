/**
 * A binary form for the shapes that messages have, derived once from their schema: the schema stays the one place that
 * says what a message is, and what is read is checked against it. (Effect's own SchemaBinary, which handles every
 * schema, takes three to six times as long; `bench/raft-messages.ts` prints both.)
 *
 *     whole number   f64                    null or X            u8 0, or u8 1 and X
 *     boolean        u8                     one of literals      u8 its place
 *     string         u32 bytes, UTF-8       one of structs       u8 its place, and its other fields
 *     Uint8Array     u32 bytes, bytes       struct               its fields in their order
 *                                           array                u32 items, the items
 *
 * Numbers are little-endian. New literals and new structs go last: so their places stay the same.
 */
import { Schema, SchemaAST } from "effect"
import type { ByteReader } from "./ByteReader.ts"
import type { ByteWriter } from "./ByteWriter.ts"

export interface BinaryCodec<A> {
  readonly write: (value: A, writer: ByteWriter) => void
  /** Throws RangeError for what the schema does not allow. */
  readonly read: (reader: ByteReader) => A
}

/** Inside each part knows what it gets: the schema said so when it was put together. */
type Part = BinaryCodec<unknown>

/** Throws for a schema of another shape, when the program starts. */
export const binaryCodec = <S extends Schema.Codec<unknown>>(schema: S): BinaryCodec<S["Type"]> =>
  codecOf(schema.ast) as BinaryCodec<S["Type"]>

const codecOf = (ast: SchemaAST.AST): Part => {
  if (ast.encoding !== undefined) throw unsupported(ast)
  return checked(shapeOf(ast), ast)
}

const shapeOf = (ast: SchemaAST.AST): Part => {
  switch (ast._tag) {
    case "Number":
      if (!filtersOf(ast).some(isWhole)) throw unsupported(ast)
      return wholeNumber
    case "Boolean":
      return boolean
    case "String":
      return string
    case "Declaration":
      if (ast !== Schema.Uint8Array.ast) throw unsupported(ast)
      return data
    case "Objects":
      return struct(fieldsOf(ast))
    case "Arrays":
      return array(ast)
    case "Union":
      return union(ast)
    default:
      throw unsupported(ast)
  }
}

const unsupported = (ast: SchemaAST.AST): TypeError => new TypeError(`there is no binary form for a ${ast._tag}`)

const wholeNumber: Part = {
  write: (value, writer) => writer.float64(value as number),
  read: (reader) => {
    const value = reader.float64()
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is no whole number`)
    return value
  }
}

const boolean: Part = {
  write: (value, writer) => writer.uint8(value ? 1 : 0),
  read: (reader) => flag(reader)
}

const flag = (reader: ByteReader): boolean => {
  const value = reader.uint8()
  if (value > 1) throw new RangeError(`${value} is neither yes nor no`)
  return value === 1
}

const string: Part = {
  write: (value, writer) => writer.string(value as string),
  read: (reader) => reader.string()
}

const data: Part = {
  write: (value, writer) => writer.data(value as Uint8Array),
  read: (reader) => reader.data()
}

const array = (ast: SchemaAST.Arrays): Part => {
  const [item] = ast.rest
  if (item === undefined || ast.rest.length > 1 || ast.elements.length > 0) throw unsupported(ast)
  const { read, write } = codecOf(item)
  return {
    write: (value, writer) => {
      const items = value as ReadonlyArray<unknown>
      writer.uint32(items.length)
      for (const item of items) write(item, writer)
    },
    read: (reader) => {
      const length = reader.uint32()
      // Every item takes a byte or more, so nobody can ask for more memory than was sent.
      if (length > reader.left) throw new RangeError(`${length} items in ${reader.left} bytes`)
      const items: Array<unknown> = []
      for (let i = 0; i < length; i++) items.push(read(reader))
      return items
    }
  }
}

interface Field {
  readonly name: string
  readonly ast: SchemaAST.AST
}

const fieldsOf = (ast: SchemaAST.Objects): ReadonlyArray<Field> => {
  if (ast.indexSignatures.length > 0) throw unsupported(ast)
  return ast.propertySignatures.map(({ name, type }) => ({ name: String(name), ast: type }))
}

type Struct = Record<string, unknown>

/** A field with one possible value takes no bytes. */
const struct = (fields: ReadonlyArray<Field>): Part => {
  const members = fields.map(({ ast, name }) => ({
    name,
    codec: ast._tag === "Literal" ? constant(ast.literal) : codecOf(ast)
  }))
  return {
    write: (value, writer) => {
      for (const { codec, name } of members) codec.write((value as Struct)[name], writer)
    },
    read: (reader) => {
      const value: Struct = {}
      for (const { codec, name } of members) value[name] = codec.read(reader)
      return value
    }
  }
}

const constant = (literal: SchemaAST.LiteralValue): Part => ({ write: () => undefined, read: () => literal })

const union = (ast: SchemaAST.Union): Part => {
  const others = ast.types.filter((member) => member._tag !== "Null")
  const [only] = others
  if (only !== undefined && others.length === 1 && ast.types.length === 2) return nullable(codecOf(only))
  if (ast.types.length > 255) throw unsupported(ast)
  if (ast.types.every(SchemaAST.isLiteral)) return literals(ast.types.map(({ literal }) => literal))
  if (ast.types.every(SchemaAST.isObjects)) return variants(ast, ast.types)
  throw unsupported(ast)
}

const nullable = ({ read, write }: Part): Part => ({
  write: (value, writer) => {
    writer.uint8(value === null ? 0 : 1)
    if (value !== null) write(value, writer)
  },
  read: (reader) => (flag(reader) ? read(reader) : null)
})

const literals = (values: ReadonlyArray<SchemaAST.LiteralValue>): Part => {
  const places = new Map(values.map((value, place) => [value, place]))
  return {
    write: (value, writer) => writer.uint8(placeOf(places, value)),
    read: (reader) => at(values, reader.uint8())
  }
}

const variants = (ast: SchemaAST.Union, members: ReadonlyArray<SchemaAST.Objects>): Part => {
  const tag = tagOf(members)
  if (tag === undefined) throw unsupported(ast)
  const places = new Map(members.map((member, place) => [literalOf(member, tag), place]))
  const codecs = members.map((member) => codecOf(member))
  return {
    write: (value, writer) => {
      const place = placeOf(places, (value as Struct)[tag])
      writer.uint8(place)
      at(codecs, place).write(value, writer)
    },
    read: (reader) => at(codecs, reader.uint8()).read(reader)
  }
}

/** The field whose value is another one in each member. */
const tagOf = (members: ReadonlyArray<SchemaAST.Objects>): string | undefined =>
  members[0]?.propertySignatures
    .map(({ name }) => String(name))
    .find((name) => {
      const values = members.map((member) => literalOf(member, name))
      return !values.includes(undefined) && new Set(values).size === members.length
    })

const literalOf = (member: SchemaAST.Objects, field: string): SchemaAST.LiteralValue | undefined => {
  const type = member.propertySignatures.find(({ name }) => name === field)?.type
  return type?._tag === "Literal" ? type.literal : undefined
}

const placeOf = (places: ReadonlyMap<unknown, number>, value: unknown): number => {
  const place = places.get(value)
  if (place === undefined) throw new RangeError(`${String(value)} is none of ${[...places.keys()].join(", ")}`)
  return place
}

const at = <A>(values: ReadonlyArray<A>, place: number): A => {
  const value = values[place]
  if (value === undefined) throw new RangeError(`there is no alternative ${place}`)
  return value
}

/** Adds the checks of the schema, as `isGreaterThanOrEqualTo(0)`. That a number is whole is part of its form. */
const checked = (codec: Part, ast: SchemaAST.AST): Part => {
  const filters = filtersOf(ast).filter((filter) => !isWhole(filter))
  if (filters.length === 0) return codec
  return {
    write: codec.write,
    read: (reader) => {
      const value = codec.read(reader)
      for (const filter of filters) {
        if (filter.run(value, ast, noOptions) === undefined) continue
        throw new RangeError(`${String(value)} is not ${filter.annotations?.expected ?? "allowed"}`)
      }
      return value
    }
  }
}

const noOptions: SchemaAST.ParseOptions = {}

type Filter = SchemaAST.Filter<unknown>

const filtersOf = ({ checks }: SchemaAST.AST): ReadonlyArray<Filter> => (checks ?? []).flatMap(flat)

const flat = (check: SchemaAST.Check<never>): ReadonlyArray<Filter> =>
  check._tag === "Filter" ? [check as Filter] : check.checks.flatMap(flat)

const isWhole = ({ annotations }: Filter): boolean => annotations?.representation?.id === "effect/schema/isInt"
