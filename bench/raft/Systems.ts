/** Which systems are compared, and how each is set up. */
import { FloorCluster } from "./floor/FloorCluster.ts"
import { defaultTiming, EtcdCluster, findEtcd, tunedTiming } from "./etcd/EtcdCluster.ts"
import type { TlsIdentity } from "./cluster/Endpoint.ts"
import { issue, makeAuthority } from "./cluster/TlsFiles.ts"
import { NodeCluster } from "./nodes/NodeCluster.ts"
import type { System } from "./measure/System.ts"

export interface Identities {
  readonly members: ReadonlyMap<string, TlsIdentity>
  readonly client: TlsIdentity
}

export const memberIds = ["a", "b", "c"]

/** Best for etcd of 1, 2 and 4 in a short trial at 1,000 clients; a single one was the slowest from 256 clients on. */
const etcdConnections = 4

/** `nodeArgs` go to every member: a profile, for example. */
export const raftSystem = (tls: Identities | null, nodeArgs: ReadonlyArray<string>): System => ({
  name: "raft",
  kind: "raft",
  launch: (directory) => NodeCluster.start({ ids: memberIds, directory, tls: tls?.members ?? null, nodeArgs }),
  tls: tls?.client ?? null,
  connections: 1
})

export const makeIdentities = async (): Promise<Identities> => {
  const authority = await makeAuthority()
  const members = new Map<string, TlsIdentity>()
  for (const id of memberIds) members.set(id, await issue(authority, `raft:node:${id}`))
  return { members, client: await issue(authority, "raft:client:bench") }
}

const etcd = (name: string, program: string, timing: typeof defaultTiming, tls: Identities | null): System => ({
  name,
  kind: "etcd",
  launch: (directory) => EtcdCluster.start({ program, directory, timing, tls }),
  tls: tls?.client ?? null,
  connections: etcdConnections
})

/** None where no etcd is installed (Debian: etcd-server). */
export const etcdSystem = (tls: Identities | null): ReadonlyArray<System> => {
  const program = findEtcd()
  return program === null ? [] : [etcd("etcd", program, defaultTiming, tls)]
}

export const tunedEtcdSystem = (tls: Identities | null): ReadonlyArray<System> => {
  const program = findEtcd()
  return program === null ? [] : [etcd("etcd 50/250 ms", program, tunedTiming, tls)]
}

export const floorSystem: System = {
  name: "flush and echo",
  kind: "floor",
  launch: (directory) => FloorCluster.start(directory),
  tls: null,
  connections: 1
}
