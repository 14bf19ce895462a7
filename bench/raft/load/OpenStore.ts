/** The client of each system, for the load generator. */
import { EtcdStore } from "../etcd/EtcdStore.ts"
import { FloorStore } from "../floor/FloorStore.ts"
import { RaftStore } from "../nodes/RaftStore.ts"
import type { Target } from "./GeneratorMessage.ts"
import { RetryingStore } from "./RetryingStore.ts"
import type { Store } from "./Store.ts"

/** Short, so that what is measured is etcd's pause and not its client's patience. */
const etcdRetries = { attemptMillis: 100, pauseMillis: 10, deadlineMillis: 15_000 }

export const openStore = ({ connections, endpoints, retries, system, tls }: Target): Store => {
  if (system === "floor") return new FloorStore(endpoints[0]!)
  if (system === "raft") return new RaftStore(endpoints, tls)
  const stores = endpoints.map((endpoint) => new EtcdStore(endpoint, tls, connections))
  return retries ? new RetryingStore(stores, etcdRetries) : stores[0]!
}
