/**
 * The files in the data directory that say who a master is, each written whole or not at all. Keys in them are sealed, so
 * that a copy of the directory is no copy of a key.
 */
import { join } from "node:path"
import { readIfExists, remove, write } from "@nxmesh/core/file/AtomicFile"
import { ClusterId, MasterId } from "@nxmesh/protocol/Ids"
import { MasterDescription } from "@nxmesh/protocol/model/Master"
import { SealedSecret } from "@nxmesh/protocol/model/SealedSecret"
import { Data, Effect, Schema } from "effect"

export class IdentityFileDamaged extends Data.TaggedError("IdentityFileDamaged")<{
  readonly file: string
  readonly cause: unknown
}> {
  override get message() {
    const why = this.cause instanceof Error ? this.cause.message : String(this.cause)
    return `${this.file} cannot be read: ${why}; put it back from a backup, or start with an empty data directory and join the cluster as another master`
  }
}

/** One JSON file of this name in a data directory. */
export const fileOf = <S extends Schema.Codec<unknown, unknown>>(name: string, schema: S) => {
  const text = Schema.fromJsonString(schema)
  const decode = Schema.decodeUnknownEffect(text)
  const encode = Schema.encodeEffect(text)
  return {
    read: Effect.fnUntraced(function* (directory: string) {
      const file = join(directory, name)
      const content = yield* readIfExists(file)
      if (content === null) return null
      return yield* decode(Buffer.from(content).toString("utf8")).pipe(
        Effect.mapError((cause) => new IdentityFileDamaged({ file, cause }))
      )
    }),
    write: (directory: string, value: S["Type"]) =>
      Effect.flatMap(Effect.orDie(encode(value)), (content) => write(join(directory, name), content)),
    remove: (directory: string) => remove(join(directory, name))
  }
}

/** Who this master is, for as long as the data directory exists. */
const Node = Schema.Struct({
  node_id: MasterId,
  cluster_id: ClusterId,
  certificate_pem: Schema.String,
  private_key: SealedSecret,
  authority_pem: Schema.String,
  /** True for the cluster's first master: its log begins with the configuration of it alone, which is in no entry. */
  founder: Schema.Boolean,
  /** The members when this master joined: where Raft looks for the others until the state says it. */
  masters: Schema.Array(MasterDescription)
})
export type NodeFile = typeof Node.Type

/** A cluster that this master makes, until the state holds it: Raft cannot start without an authority, nor the state without Raft. */
const Forming = Schema.Struct({
  cluster_id: ClusterId,
  ca_certificate_pem: Schema.String,
  ca_private_key: SealedSecret
})
export type FormingFile = typeof Forming.Type

/** What a master asks to join with, the same in every attempt: a lost answer can be asked for again. */
const Joining = Schema.Struct({ node_id: MasterId, private_key: SealedSecret })

export const nodeFile = fileOf("node.json", Node)
export const formingFile = fileOf("forming.json", Forming)
export const joiningFile = fileOf("joining.json", Joining)
