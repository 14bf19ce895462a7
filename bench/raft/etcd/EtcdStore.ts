/** etcd's key-value API at one member, over a few connections that take turns. Each is made when it is first used, and again when it broke. */
import type { Endpoint, TlsIdentity } from "../cluster/Endpoint.ts"
import type { Done, Store } from "../load/Store.ts"
import { GrpcConnection } from "./GrpcConnection.ts"
import { decodeFields, numberField, putRequest, rangeRequest } from "./Protobuf.ts"

const putPath = "/etcdserverpb.KV/Put"
const rangePath = "/etcdserverpb.KV/Range"
const countField = 4

export class EtcdStore implements Store {
  private readonly endpoint: Endpoint
  private readonly tls: TlsIdentity | null
  private readonly connections: Array<GrpcConnection | null>
  private calls = 0

  constructor(endpoint: Endpoint, tls: TlsIdentity | null, connections: number) {
    this.endpoint = endpoint
    this.tls = tls
    this.connections = Array.from({ length: connections }, () => null)
  }

  put(key: string, value: Uint8Array, done: Done): void {
    const request = putRequest(Buffer.from(key, "latin1"), value)
    this.connection().call(putPath, request, (_, failure) => done(failure))
  }

  get(key: string, done: Done): void {
    this.connection().call(rangePath, rangeRequest(Buffer.from(key, "latin1")), (answer, failure) => {
      if (answer === null) return done(failure)
      done(numberField(decodeFields(answer), countField) === 1n ? null : `etcd has no key ${key}`)
    })
  }

  close(): void {
    for (const connection of this.connections) connection?.close()
  }

  private connection(): GrpcConnection {
    const turn = this.calls++ % this.connections.length
    const known = this.connections[turn] ?? null
    if (known !== null && !known.isBroken) return known
    const made = new GrpcConnection(this.endpoint, this.tls)
    this.connections[turn] = made
    return made
  }
}
