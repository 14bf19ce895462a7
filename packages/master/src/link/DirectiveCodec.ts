/**
 * How directives become text. One that carries a whole bundle takes the bundle's text from `BundleTexts`; everything else
 * of the link is encoded by the RPC's own JSON codec.
 */
import { Directive } from "@nxmesh/protocol/link/Directive"
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

const directiveText = Effect.fnUntraced(function* (directive: Directive, texts: BundleTexts) {
  if (directive._tag !== "Deploy" || directive.update._tag !== "Full") return yield* encodeDirective(directive)
  const { bundle } = directive.update
  const update = { _tag: "Full" as const, bundle: { generation: bundle.generation, resources: [] } }
  const { update: _, ...rest } = (yield* encodeDirective({ ...directive, update })) as Record<string, unknown>
  const before = JSON.stringify(rest).slice(0, -1)
  return new JsonText(`${before},"update":{"_tag":"Full","bundle":${yield* texts.of(bundle)}}}`)
})

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
