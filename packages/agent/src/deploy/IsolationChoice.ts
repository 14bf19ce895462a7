/** What a deployment may leave out, from the policy, from what is known of the generation, and from what serves. */
import { Effect } from "effect"
import type { Bundle } from "@nxmesh/protocol/model/Bundle"
import { HeldBundle } from "../bundle/HeldBundle.ts"
import { CurrentPolicy } from "../policy/CurrentPolicy.ts"
import type { Served } from "./Attempt.ts"
import { goodVersions } from "./Quarantine.ts"
import { QuarantineStore } from "./QuarantineStore.ts"
import * as TreeTest from "./TreeTest.ts"
import type { Isolation } from "./Work.ts"

export interface Context {
  readonly bundle: Bundle
  readonly served: Served
  /** What settled last in this process; the one held from before it otherwise. */
  readonly lastSettled: Bundle | null
}

type Tester = Parameters<typeof TreeTest.identity>[0]

/** Made once, by whoever deploys. */
export const make = Effect.gen(function* () {
  const held = yield* HeldBundle
  const policy = yield* CurrentPolicy
  const quarantines = yield* QuarantineStore

  return Effect.fnUntraced(function* (
    tester: Tester,
    { bundle, lastSettled, served }: Context
  ): Effect.fn.Return<Isolation> {
    const leavesOut = (yield* policy.get).bad_object === "isolate"
    const record = quarantines.of(bundle.generation)
    const isKnown = leavesOut && record !== null && record.nginx === (yield* TreeTest.identity(tester))
    const before = lastSettled ?? (yield* held.latest)
    const left = quarantines.of(served.generation)?.quarantine ?? []
    const checksums = new Map(bundle.resources.map(({ checksum, key }) => [key, checksum]))
    return {
      bundle,
      leavesOut,
      known: isKnown ? record.quarantine : [],
      suspects: new Set(left.filter(({ checksum, key }) => checksums.get(key) === checksum).map(({ key }) => key)),
      good: goodVersions(before?.generation === served.generation ? before : null, left)
    }
  })
})
