/** `nxmesh cluster upgrade`: raises the version that the masters agree on, after each of them was upgraded. */
import { Effect } from "effect"
import { Command } from "effect/cli"
import { asOperator, type MasterClient } from "./MasterClient.ts"
import { masterOrigin } from "./MasterUrl.ts"
import { print } from "./Output.ts"

/** To the next version that any master knows; whether all know it, the cluster says. */
const raise = Effect.fnUntraced(function* ({ cluster }: MasterClient) {
  const { data } = yield* cluster.status()
  const { cluster_version } = data
  const known = data.masters.map(({ cluster_versions }) => cluster_versions?.highest ?? 0)
  if (Math.max(...known) <= cluster_version) return { cluster_version, raised: false }
  const answer = yield* cluster.setVersion({ payload: { version: cluster_version + 1 } })
  return { cluster_version: answer.data.cluster_version, raised: true }
})

const text = ({ cluster_version, raised }: { readonly cluster_version: number; readonly raised: boolean }): string =>
  raised
    ? `the cluster is at version ${cluster_version}: masters of an older build can join it no more`
    : `the cluster is at version ${cluster_version}, and none of its masters knows a newer one`

export const upgrade = Command.make(
  "upgrade",
  {},
  Effect.fnUntraced(function* () {
    yield* print(yield* asOperator(yield* masterOrigin, raise), text)
  })
).pipe(Command.withDescription("Raise the cluster's version by one, when every master knows it; there is no way down"))
