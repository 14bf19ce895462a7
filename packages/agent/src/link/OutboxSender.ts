/**
 * Sends what waits in the outbox, oldest first, one batch at a time, as fast as a fleet may that comes back from an outage
 * together. A master that cannot take reports keeps them waiting, and never costs the connection: directives come over it.
 */
import { reportRetry } from "@nxmesh/core/policy/Schedules"
import { LinkRefused } from "@nxmesh/protocol/link/LinkRefused"
import type { OutboxBatch, OutboxTaken } from "@nxmesh/protocol/link/OutboxBatch"
import { Data, Effect, Random } from "effect"
import type { RpcClientError } from "effect/rpc"
import { Limits } from "../Limits.ts"
import type { LinkHandlers } from "./LinkHandlers.ts"
import { type LinkLost, lostByCall } from "./LinkLost.ts"

/** The first version of the link whose masters take batches. */
export const outboxSince = 3

/** Tried again on the same connection. */
class NotTaken extends Data.TaggedError("NotTaken")<{ readonly message: string }> {}

export type SendBatch = (batch: OutboxBatch) => Effect.Effect<OutboxTaken, LinkRefused | RpcClientError.RpcClientError>

const charactersOf = ({ entries }: OutboxBatch): number => entries.reduce((sum, { report }) => sum + report.length, 0)

/** How long a batch of so many characters takes at the pace. */
export const paceMillis = (characters: number): number =>
  Math.ceil((characters * 1_000) / Limits.outboxBytesPerSecondMax)

const sendOnce = (send: SendBatch, batch: OutboxBatch): Effect.Effect<OutboxTaken, LinkLost | NotTaken> =>
  send(batch).pipe(
    Effect.mapError((error) =>
      error instanceof LinkRefused && !error.permanent ? new NotTaken({ message: error.detail }) : lostByCall(error)
    ),
    Effect.timeoutOrElse({
      duration: Limits.callTimeout,
      orElse: () => Effect.fail(new NotTaken({ message: "no answer in time" }))
    }),
    // What does not reach as far as the batch took none of it.
    Effect.filterOrFail(
      ({ through }) => through >= (batch.entries.at(-1)?.sequence ?? 0),
      () => new NotTaken({ message: "the master took only a part" })
    )
  )

/** For as long as the connection lasts. */
export const sendOutbox = Effect.fnUntraced(function* (
  send: SendBatch,
  outbox: LinkHandlers["outbox"]
): Effect.fn.Return<never, LinkLost> {
  yield* Effect.sleep((yield* Random.next) * Limits.outboxSpreadMillis)
  while (true) {
    const batch = yield* outbox.next
    const { through } = yield* sendOnce(send, batch).pipe(
      Effect.tapError((error) => Effect.logDebug(`reports wait: ${error.message}`)),
      Effect.retry({ schedule: reportRetry, while: (error) => error._tag === "NotTaken" }),
      Effect.catchTag("NotTaken", (error) => Effect.die(error))
    )
    yield* outbox.acknowledge(through)
    yield* Effect.sleep(paceMillis(charactersOf(batch)))
  }
})
