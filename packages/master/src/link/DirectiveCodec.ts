/**
 * How directives become text. What a deployment carries is encoded once for all agents that get it: a whole bundle's text
 * comes from `BundleTexts`, a delta's is kept with the delta. Everything else of the link is encoded by the RPC's own JSON codec.
 */
import { Directive } from "@nxmesh/protocol/link/Directive"
import { BundleUpdate } from "@nxmesh/protocol/model/BundleUpdate"
import { Effect, Schema, SchemaGetter } from "effect"
import { RpcSerialization, type RpcServer } from "effect/rpc"
import type { BundleTexts } from "./BundleTexts.ts"

type FromServer = Parameters<RpcServer.Protocol["Service"]["send"]>[1]

/** A value that is JSON text already. */
export class JsonText {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

const encodeDirective = Schema.encodeEffect(Schema.toCodecJson(Directive))

const encodeUpdate = Schema.encodeEffect(Schema.toCodecJson(BundleUpdate))

/** Deltas as text. Agents that go the same way share one, and it goes with it. */
const deltaTexts = new WeakMap<BundleUpdate, string>()

const updateText = (update: BundleUpdate, texts: BundleTexts): Effect.Effect<string, Schema.SchemaError> => {
  if (update._tag === "Full") {
    return Effect.map(texts.of(update.bundle), (bundle) => `{"_tag":"Full","bundle":${bundle}}`)
  }
  const known = deltaTexts.get(update)
  if (known !== undefined) return Effect.succeed(known)
  return Effect.map(encodeUpdate(update), (value) => {
    const text = JSON.stringify(value)
    deltaTexts.set(update, text)
    return text
  })
}

/** All that a deployment holds beside its update is on the wire what it is here. */
const directiveText = (directive: Directive, texts: BundleTexts): Effect.Effect<unknown, Schema.SchemaError> => {
  if (directive._tag !== "Deploy") return encodeDirective(directive)
  const { update, ...rest } = directive
  return Effect.map(
    updateText(update, texts),
    (text) => new JsonText(`${JSON.stringify(rest).slice(0, -1)},"update":${text}}`)
  )
}

/** What the RPC server encodes a stream's values with is an array of them. */
const isDirectives = (schema: Schema.Top): boolean => "value" in schema && schema.value === Directive

export const codecFor =
  (texts: BundleTexts): RpcSerialization.CodecFor =>
  <S extends Schema.Top>(schema: S) => {
    const plain = RpcSerialization.json.codecFor(schema)
    if (!isDirectives(schema)) return plain
    const encode = (directives: unknown) =>
      Effect.forEach(directives as ReadonlyArray<Directive>, (directive) => directiveText(directive, texts)).pipe(
        Effect.mapError(({ issue }) => issue)
      )
    return Schema.Unknown.pipe(
      Schema.decodeTo(Schema.Unknown, {
        decode: SchemaGetter.forbidden(() => "directives come from masters alone"),
        encode: SchemaGetter.transformEffect(encode)
      })
    ) as unknown as typeof plain
  }

/** The frame of a message. */
export const frameText = (message: FromServer): string => {
  if (message._tag !== "Chunk") return JSON.stringify(message)
  const { values, ...rest } = message
  const texts = values.map((value) => (value instanceof JsonText ? value.text : JSON.stringify(value)))
  return `${JSON.stringify(rest).slice(0, -1)},"values":[${texts.join(",")}]}`
}
