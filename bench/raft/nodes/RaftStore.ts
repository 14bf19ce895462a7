/** The client of a Raft cluster: the product's own, which knows the leader and repeats what is not answered. */
import { RaftClient } from "../../../packages/raft/src/client/RaftClient.ts"
import { decodeResult, encodeOperation } from "../../../packages/raft/src/testing/machine/KeyValueCommand.ts"
import { tcpConnector } from "../../../packages/raft/src/transport/tcp/TcpConnector.ts"
import type { Endpoint, TlsIdentity } from "../cluster/Endpoint.ts"
import type { Done, Store } from "../load/Store.ts"

export const clusterName = "bench"
const timeoutMillis = 15_000

export class RaftStore implements Store {
  private readonly client: RaftClient

  constructor(endpoints: ReadonlyArray<Endpoint>, tls: TlsIdentity | null) {
    const identity = tls && { certificatePem: tls.cert, privateKeyPem: tls.key, authoritiesPem: tls.ca }
    const connector = tcpConnector({ cluster: clusterName, name: "bench", tls: identity, allowPlaintext: false })
    this.client = new RaftClient({ addresses: endpoints, connector, timeoutMillis })
  }

  put(key: string, value: Uint8Array, done: Done): void {
    this.client.propose(encodeOperation({ kind: "put", key, value }), (outcome) =>
      done(outcome._tag === "Done" ? null : `${outcome._tag} ${outcome.reason}`)
    )
  }

  get(key: string, done: Done): void {
    this.client.query(encodeOperation({ kind: "get", key }), (outcome) => {
      if (outcome._tag !== "Done") return done(`${outcome._tag} ${outcome.reason}`)
      const result = decodeResult(outcome.value.data)
      done(result.kind === "get" && result.value !== null ? null : `there is no key ${key}`)
    })
  }

  close(): void {
    this.client.close()
  }
}
