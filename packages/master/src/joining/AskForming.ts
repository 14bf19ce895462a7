/** Asks one address whether there is a master with the cluster secret, and what it sees. */
import type { Address } from "@nxmesh/core/settings/SettingValues"
import { addressText } from "@nxmesh/core/settings/SettingValues"
import type { MasterId } from "@nxmesh/protocol/Ids"
import { Effect } from "effect"
import { Limits } from "../Limits.ts"
import type { AddressView } from "./FormingDecision.ts"
import { type ClusterSecret, isAnswer, questionOf } from "./FormingProofs.ts"
import { connectUnproven } from "./MemberConnection.ts"
import { callsOver } from "./OneConnection.ts"

export interface Asked {
  readonly view: AddressView
  /** Why nothing came of it, for the operator; `null` when something did. */
  readonly problem: string | null
}

const silent = (problem: string): Asked => ({ view: { _tag: "Silent" }, problem })

/** Never fails: an address that does not answer, or not as one that knows the secret, is silent. */
export const askForming = Effect.fn("AskForming")(
  function* (address: Address, self: MasterId, secret: ClusterSecret) {
    const { channelBinding, socket } = yield* connectUnproven(address)
    const calls = yield* callsOver(socket, address)
    const answer = yield* calls.forming.ask({ payload: questionOf(secret, self, channelBinding) })
    if (!isAnswer(secret, answer, channelBinding)) {
      return silent(`${addressText(address)} has another cluster secret: check NXMESH_CLUSTER_SECRET_FILE`)
    }
    const { formed, id, sees } = answer.view
    const asked: Asked = { view: formed ? { _tag: "Formed" } : { _tag: "Unformed", id, sees }, problem: null }
    return asked
  },
  Effect.scoped,
  (asking, address) =>
    asking.pipe(
      Effect.catch((error) => Effect.succeed(silent(`${addressText(address)}: ${error.message}`))),
      Effect.timeoutOrElse({
        duration: Limits.joining.formingAnswer,
        orElse: () => Effect.succeed(silent(`${addressText(address)} does not answer`))
      })
    )
)
