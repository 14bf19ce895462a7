import { assert, describe, it } from "@effect/vitest"
import { certificateName } from "@nxmesh/raft/transport/tcp/Tls"
import type { TlsIdentity } from "@nxmesh/raft/transport/tcp/Tls"
import { Authority } from "../../../packages/raft/test/transport/Certificates.ts"
import type { MemberProcess } from "./MemberProcess.ts"
import { TestCluster } from "./TestCluster.ts"

const identities = async (
  authority: Authority,
  accepted: ReadonlyArray<Authority>
): Promise<Map<string, TlsIdentity>> => {
  const issued = TestCluster.ids.map(async (id) => {
    return [id, await authority.issue(certificateName("peer", id), accepted)] as const
  })
  return new Map(await Promise.all(issued))
}

describe("a cluster with mutual TLS", () => {
  it("goes on writing while its authority and all certificates are replaced, and after a restart with the new ones", async () => {
    const first = await Authority.make("first")
    const second = await Authority.make("second")
    const tls = await identities(first, [first])
    await TestCluster.use({ tls }, async (cluster) => {
      const replaceAll = async (next: Map<string, TlsIdentity>): Promise<void> => {
        for (const [id, identity] of next) {
          tls.set(id, identity)
          await cluster.member(id).ask({ kind: "identity", identity })
        }
      }
      const leader = await cluster.leader()
      await leader.ask({ kind: "load", clients: 4, valueBytes: 64 })
      await leader.until("it writes", ({ applied }) => applied > 20)
      await replaceAll(await identities(first, [first, second]))
      await replaceAll(await identities(second, [first, second]))
      await replaceAll(await identities(second, [second]))
      const { applied } = leader.status!
      await leader.until("it goes on writing", (status) => status.applied > applied + 20)
      const { failures } = await leader.ask<{ failures: ReadonlyArray<string> }>({ kind: "stopLoad" })
      assert.deepStrictEqual(failures, [])
      const [follower] = cluster.others(leader.id) as [MemberProcess]
      await cluster.kill(follower.id)
      await cluster.start(follower.id)
      await leader.ask({ kind: "put", key: "last", value: "one" })
      await cluster.caughtUp(follower.id)
      assert.strictEqual(await cluster.member(follower.id).ask({ kind: "get", key: "last" }), "one")
    })
  })
})
