/** The client of each system, for the load generator. */
import { EtcdStore } from "../etcd/EtcdStore.ts"
import { FloorStore } from "../floor/FloorStore.ts"
import type { Target } from "./GeneratorMessage.ts"
import { RetryingStore } from "./RetryingStore.ts"
import type { Store } from "./Store.ts"

/** Short, so that what is measured is etcd's pause and not its client's patience. */
const etcdRetries = { attemptMillis: 100, pauseMillis: 10, deadlineMillis: 15_000 }

export const openStore = async ({ connections, endpoints, retries, system, tls }: Target): Promise<Store> => {
  if (system === "floor") return new FloorStore(endpoints[0]!)
  if (system === "raft") throw new Error("not yet")
  const stores = endpoints.map((endpoint) => new EtcdStore(endpoint, tls, connections))
  return retries ? new RetryingStore(stores, etcdRetries) : stores[0]!
}
