/** A status of the cluster that the test sets: which masters are up, and who leads. */
import { MasterId } from "@nxmesh/protocol/Ids"
import type { PeerStatus } from "@nxmesh/protocol/peer/PeerStatus"
import { Context, Effect, Layer, Result } from "effect"
import { ClusterStatus, type LiveStatus } from "../../../src/cluster/ClusterStatus.ts"
import { MasterStatuses } from "../../../src/cluster/MasterStatuses.ts"
import { Commands } from "../../../src/command/Commands.ts"
import { Secrets } from "../../../src/secrets/Secrets.ts"
import { Reads } from "../../../src/state/Reads.ts"
import { found, gone, seen } from "../../cluster/LiveFixtures.ts"
import { admit, description } from "../../state/TestCluster.ts"
import { system } from "../../state/TestMaster.ts"

export class FakeCluster extends Context.Service<
  FakeCluster,
  {
    live: LiveStatus
    readonly handedOver: Array<MasterId>
  }
>()("test/FakeCluster") {}

/** Every member answers, and has the keys of this machine. */
const layerFakeStatuses = Layer.effect(
  MasterStatuses,
  Effect.gen(function* () {
    const reads = yield* Reads
    const { ring } = yield* Secrets
    return MasterStatuses.of({
      all: Effect.map(reads.masters, (all) => {
        const answer = Result.succeed({ key_ids: ring.keyIds() } as unknown as PeerStatus)
        return new Map(all.map(({ id }) => [id, answer] as const))
      })
    })
  })
)

const layerFakeStatus = Layer.effect(
  ClusterStatus,
  Effect.map(FakeCluster, (fake) =>
    ClusterStatus.of({
      status: Effect.sync(() => fake.live),
      handOver: (to) => Effect.sync(() => void fake.handedOver.push(to))
    })
  )
).pipe(Layer.provideMerge(Layer.sync(FakeCluster, () => FakeCluster.of({ live: seen([found(1)]), handedOver: [] }))))

export const layerFakeCluster = Layer.merge(layerFakeStatus, layerFakeStatuses)

/** The master under test by addresses that others could reach, beside `m2` and `m3`; all vote, it leads, `down` are down. */
export const threeMasters = Effect.fnUntraced(function* (down: ReadonlyArray<number> = []) {
  const commands = yield* Commands
  const reads = yield* Reads
  const submit = (command: Parameters<typeof commands.submit>[0]["command"]) =>
    commands.submit({ principal: system, command })
  const [own] = (yield* reads.masters).filter(({ name }) => name === "m1")
  const id = own?.id ?? MasterId.make("00000000-0000-7000-8000-000000000001")
  yield* submit({ _tag: "DescribeMaster", master: { ...description(1), id } })
  for (const number of [2, 3]) yield* submit(admit(number))
  const fake = yield* FakeCluster
  const alive = (number: number) => (down.includes(number) ? gone(number) : found(number))
  const masters = [{ ...found(1), id }, alive(2), alive(3)]
  fake.live = { ...seen(masters), id, leaderId: id }
  return { id, masters: masters.map((master) => master.id), fake }
})
