/** A system under test: how its cluster is started, and how the load generator reaches it. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { agreedLeader } from "../cluster/Cluster.ts"
import type { Cluster } from "../cluster/Cluster.ts"
import type { TlsIdentity } from "../cluster/Endpoint.ts"
import type { Target } from "../load/GeneratorMessage.ts"
import type { GeneratorProcess } from "../load/GeneratorProcess.ts"

export interface System {
  readonly name: string
  readonly kind: Target["system"]
  readonly launch: (directory: string) => Promise<Cluster>
  /** Of the load generator; `null`: no TLS. */
  readonly tls: TlsIdentity | null
  readonly connections: number
}

/** A new cluster in a directory of its own, which is gone afterwards. */
export const withCluster = async <A>(
  system: System,
  use: (cluster: Cluster, leader: string, directory: string) => Promise<A>
): Promise<A> => {
  const directory = mkdtempSync(join(tmpdir(), "bench-raft-"))
  let cluster: Cluster | null = null
  try {
    cluster = await system.launch(directory)
    return await use(cluster, await agreedLeader(cluster), directory)
  } finally {
    await cluster?.stop()
    rmSync(directory, { recursive: true, force: true })
  }
}

/** The leader first: that is the best for either system, since a follower would pass everything on. */
export const connect = async (
  generator: GeneratorProcess,
  system: System,
  { cluster, leader, retries }: { readonly cluster: Cluster; readonly leader: string; readonly retries: boolean }
): Promise<void> => {
  const endpoints = cluster.endpoints.toSorted((a, b) => Number(b.id === leader) - Number(a.id === leader))
  const { connections, kind, tls } = system
  await generator.connect({ system: kind, endpoints, tls, connections, retries })
}
