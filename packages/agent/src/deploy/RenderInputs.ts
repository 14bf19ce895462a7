/**
 * What a tree is rendered with beside its bundle, outside of the generation's hash: the addresses of upstream names, and the
 * servers that health checks leave out. Known by generation directory, so that a rendering that was only tried says nothing of
 * the tree that serves. What the serving tree was rendered with is kept on disk: a restart of the agent reloads nothing.
 */
import { Context, Effect, Layer, Option, Schema } from "effect"
import { join } from "node:path"
import * as AtomicFile from "@nxmesh/core/file/AtomicFile"
import type { DownServers } from "@nxmesh/core/nginx/Backends"
import { Limits } from "../Limits.ts"
import { type AddressBook, addressRecord } from "../nginx/AddressBook.ts"

export interface Inputs {
  readonly addresses: AddressBook
  readonly down: DownServers
}

const KeptFile = Schema.fromJsonString(
  Schema.Struct({
    directory: Schema.String,
    addresses: addressRecord,
    down: Schema.Array(Schema.String)
  })
)

interface Kept extends Inputs {
  readonly directory: string
}

const read = Effect.fnUntraced(function* (path: string): Effect.fn.Return<Kept | null> {
  // A file that cannot be read costs one deployment of the same generation.
  const bytes = yield* Effect.orElseSucceed(AtomicFile.readIfExists(path), () => null)
  if (bytes === null) return null
  const decoded = Schema.decodeUnknownOption(KeptFile)(new TextDecoder().decode(bytes))
  return Option.isNone(decoded)
    ? null
    : {
        directory: decoded.value.directory,
        addresses: new Map(Object.entries(decoded.value.addresses)),
        down: new Set(decoded.value.down)
      }
})

const encode = ({ addresses, directory, down }: Kept): string =>
  Schema.encodeSync(KeptFile)({ directory, addresses: Object.fromEntries(addresses), down: [...down].toSorted() })

export class RenderInputs extends Context.Service<
  RenderInputs,
  {
    /** Servers that the next rendering leaves out. */
    readonly down: Effect.Effect<DownServers>
    readonly leaveOut: (down: DownServers) => Effect.Effect<void>
    /** Said by the renderer, of each directory that it renders for. */
    readonly rendered: (directory: string, inputs: Inputs) => Effect.Effect<void>
    /** What the tree in a generation directory was rendered with; `null` when that is not known. */
    readonly of: (directory: string) => Effect.Effect<Inputs | null>
    /** Keeps on disk what this directory, which serves, was rendered with. */
    readonly keep: (directory: string) => Effect.Effect<void>
  }
>()("@nxmesh/agent/deploy/RenderInputs") {
  static readonly layer = (dataDirectory: string) => Layer.effect(RenderInputs, make(dataDirectory))
}

const make = Effect.fnUntraced(function* (dataDirectory: string) {
  const path = join(dataDirectory, "render-inputs.json")
  let kept = yield* read(path)
  let down: DownServers = kept?.down ?? new Set()
  const byDirectory = new Map<string, Inputs>()
  if (kept !== null) byDirectory.set(kept.directory, kept)

  const of = (directory: string) => byDirectory.get(directory) ?? (kept?.directory === directory ? kept : null)

  return RenderInputs.of({
    down: Effect.sync(() => down),
    leaveOut: (servers) => Effect.sync(() => void (down = servers)),
    rendered: (directory, inputs) =>
      Effect.sync(() => {
        byDirectory.set(directory, inputs)
        const [oldest] = byDirectory.keys()
        if (byDirectory.size > Limits.renderInputsRememberedMax && oldest !== undefined) byDirectory.delete(oldest)
      }),
    of: (directory) => Effect.sync(() => of(directory)),
    keep: Effect.fnUntraced(function* (directory) {
      const inputs = of(directory)
      if (inputs === null || kept?.directory === directory) return
      kept = { directory, ...inputs }
      yield* Effect.catch(AtomicFile.write(path, encode(kept)), (error) =>
        Effect.logWarning(`what the tree was rendered with is not kept for a restart: ${error.message}`)
      )
    })
  })
})
