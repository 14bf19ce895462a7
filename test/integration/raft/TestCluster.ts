/** Three members in three processes, on real disks and sockets. */
import { defaultNodeOptions } from "@nxmesh/raft/node/NodeOptions"
import type { NodeOptions } from "@nxmesh/raft/node/NodeOptions"
import { Limits } from "@nxmesh/raft/Limits"
import type { LogOptions } from "@nxmesh/raft/storage/log/SegmentedLog"
import type { TlsIdentity } from "@nxmesh/raft/transport/tcp/Tls"
import type { Address } from "@nxmesh/raft/transport/Transport"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { MemberProcess } from "./MemberProcess.ts"

export interface ClusterOptions {
  readonly node?: Partial<NodeOptions>
  readonly log?: LogOptions
  /** By id. */
  readonly tls?: ReadonlyMap<string, TlsIdentity>
}

const heldFileSystem = new URL("../../../packages/raft/test/storage/thread/HeldFileSystem.ts", import.meta.url).href

const catchUpMillis = 60_000

export class TestCluster {
  static readonly ids = ["a", "b", "c"] as const
  readonly members = new Map<string, MemberProcess>()
  private readonly directory: string
  private readonly options: ClusterOptions
  private readonly addresses = new Map<string, Address>()

  private constructor(directory: string, options: ClusterOptions) {
    this.directory = directory
    this.options = options
  }

  /** A cluster for one test, with a leader. */
  static async use(options: ClusterOptions, test: (cluster: TestCluster) => Promise<void>): Promise<void> {
    const directory = await mkdtemp(join(tmpdir(), "raft-cluster-"))
    const cluster = new TestCluster(directory, options)
    try {
      await cluster.start(...TestCluster.ids)
      await cluster.leader()
      await test(cluster)
    } finally {
      await Promise.all([...cluster.members.values()].map((member) => member.kill()))
      await rm(directory, { recursive: true })
    }
  }

  /** Starts these, anew or again, and tells all where the others are. */
  async start(...ids: ReadonlyArray<string>): Promise<void> {
    await Promise.all(
      ids.map(async (id) => {
        await mkdir(join(this.directory, id), { recursive: true })
        const member = this.make(id)
        this.members.set(id, member)
        this.addresses.set(id, await member.address())
      })
    )
    await Promise.all([...this.members.values()].map((member) => member.ask({ kind: "peers", peers: this.addresses })))
  }

  async kill(...ids: ReadonlyArray<string>): Promise<void> {
    await Promise.all(ids.map((id) => this.member(id).kill()))
    for (const id of ids) this.members.delete(id)
  }

  member(id: string): MemberProcess {
    const member = this.members.get(id)
    if (member === undefined) throw new Error(`member ${id} does not run`)
    return member
  }

  /** All that run, but these. */
  others(...ids: ReadonlyArray<string>): ReadonlyArray<MemberProcess> {
    return [...this.members.values()].filter(({ id }) => !ids.includes(id))
  }

  /** Waits until the members that are asked know a leader that says so itself, other than `not`. */
  async leader(asked = this.others(), not: string | null = null): Promise<MemberProcess> {
    const found = await Promise.race(
      asked.map(async (member) => {
        await member.until(`it leads`, ({ id, role }) => role === "Leader" && id !== not)
        return member
      })
    )
    await Promise.all(
      asked.map((member) => member.until(`it follows ${found.id}`, ({ leader }) => leader === found.id))
    )
    return found
  }

  /** From here on no flush of this member's log, or of a snapshot, returns. */
  async holdFlushes(id: string, of: "log" | "snapshot" = "log"): Promise<void> {
    await writeFile(join(this.directory, id, `hold-${of}`), "")
  }

  async releaseFlushes(id: string, of: "log" | "snapshot" = "log"): Promise<void> {
    await rm(join(this.directory, id, `hold-${of}`))
  }

  /** Waits until this member has applied what the others had when it was called. */
  async caughtUp(id: string): Promise<void> {
    const commit = Math.max(...this.others(id).map(({ status }) => status?.commit ?? 0))
    await this.member(id).until(`it has applied ${commit}`, ({ applied }) => applied >= commit, catchUpMillis)
  }

  /** Where this member's log and snapshots are. */
  storage(id: string): string {
    return join(this.directory, id, "raft")
  }

  private make(id: string): MemberProcess {
    const { log = Limits.storage, node, tls } = this.options
    const bootstrap = {
      voters: TestCluster.ids,
      learners: [],
      outgoing: [],
      learnersNext: [],
      autoLeave: false
    }
    return new MemberProcess({
      directory: join(this.directory, id),
      // Elections after one to two seconds: a busy machine must not look like a dead leader.
      options: { ...defaultNodeOptions, tickMillis: 100, bootstrap, ...node, id },
      log,
      fileSystemModule: heldFileSystem,
      tls: tls?.get(id) ?? null,
      peers: new Map([...this.addresses].filter(([peer]) => peer !== id))
    })
  }
}
