/** Three masters, each with a host, a disk and a clock of its own that can be broken. */
import { Effect, type Scope } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { type ClusterMaster, type MasterOptions, startCluster } from "../support/Cluster.ts"
import type { FaultyCluster } from "../support/Faults.ts"
import { temporaryDirectory } from "../support/Fleet.ts"
import type { TestHost, TestNetwork } from "../support/Namespaces.ts"
import { type SmallDisk, smallDisk } from "../support/SmallDisk.ts"

/** Raft's segments alone are 16 MiB each; unused space costs nothing. */
const diskMebibytes = 512

const skewedClock = fileURLToPath(new URL("../support/SkewedClock.ts", import.meta.url))

interface Broken {
  readonly options: MasterOptions
  readonly disk: SmallDisk
  readonly clockFile: string
}

const breakable = (host: TestHost, directory: string): Effect.Effect<Broken, never, Scope.Scope> =>
  Effect.gen(function* () {
    const disk = yield* smallDisk(diskMebibytes)
    const clockFile = join(directory, `clock-${host.name}`)
    writeFileSync(clockFile, "0")
    const environment = {
      NODE_OPTIONS: `--import=${skewedClock}`,
      NXMESH_TEST_CLOCK_FILE: clockFile,
      NXMESH_STATE_CHECK_INTERVAL: "1s",
      NXMESH_STATE_FULL_CHECK_INTERVAL: "15s"
    }
    return { options: { host, dataDirectory: join(disk.path, "data"), environment }, disk, clockFile }
  })

/** One master on each host. */
export const startFaultyCluster = (
  network: TestNetwork,
  hosts: ReadonlyArray<TestHost>
): Effect.Effect<FaultyCluster, never, Scope.Scope> =>
  Effect.gen(function* () {
    const directory = yield* temporaryDirectory("k")
    const parts = yield* Effect.forEach(hosts, (host) => breakable(host, directory))
    const cluster = yield* startCluster(parts.map(({ options }) => options))
    const byName = new Map<string, Broken>()
    for (const [at, { name }] of cluster.masters().entries()) byName.set(name, parts[at]!)
    const partOf = ({ name }: ClusterMaster): Broken => byName.get(name)!
    return {
      cluster,
      network,
      disk: (master) => partOf(master).disk,
      clockFile: (master) => partOf(master).clockFile,
      replace: (master) =>
        Effect.gen(function* () {
          yield* cluster.remove(master)
          const part = yield* breakable(master.host!, directory)
          const added = yield* cluster.add(part.options)
          byName.set(added.name, part)
          yield* cluster.settled()
        })
    }
  })
