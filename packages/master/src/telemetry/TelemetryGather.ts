/**
 * A question about telemetry to all masters that keep some. Embedded, each has what its own agents told; with Postgres one answers
 * for all. Who did not answer is named, so that a gap is not taken for silence of the fleet.
 */
import type { MasterId } from "@nxmesh/protocol/Ids"
import { Context, Data, type Duration, Effect, Layer, Result } from "effect"
import { Limits } from "../Limits.ts"
import { TelemetryQueryFailed, TelemetrySql } from "./TelemetrySql.ts"

/** The other master did not answer: why, for an operator. */
export class TelemetryPeerSilent extends Data.TaggedError("TelemetryPeerSilent")<{ readonly message: string }> {}

/** The other masters. `peer/` implements it. */
export class TelemetryPeers extends Context.Service<
  TelemetryPeers,
  {
    readonly self: MasterId
    readonly others: Effect.Effect<ReadonlyArray<MasterId>>
    /** Question and answer are JSON. */
    readonly ask: (
      id: MasterId,
      tag: string,
      question: string,
      deadline: Duration.Input
    ) => Effect.Effect<string, TelemetryPeerSilent>
  }
>()("@nxmesh/master/telemetry/TelemetryPeers") {
  static readonly layerNone = (self: MasterId) =>
    Layer.succeed(TelemetryPeers, {
      self,
      others: Effect.succeed([]),
      ask: () => Effect.fail(new TelemetryPeerSilent({ message: "this master is alone" }))
    })
}

/** JSON values but for the tag, which says who answers. */
export interface TelemetryQuestion {
  readonly _tag: string
}

export interface MissingMaster {
  readonly master: MasterId
  readonly reason: string
}

export interface Gathered {
  /** This master's first. */
  readonly answers: ReadonlyArray<{ readonly master: MasterId; readonly answer: unknown }>
  readonly missing: ReadonlyArray<MissingMaster>
}

type Answerer = (question: unknown) => Effect.Effect<unknown, TelemetryQueryFailed>

export class TelemetryGather extends Context.Service<
  TelemetryGather,
  {
    /** Registers who answers questions of this tag, on this master. The question comes from another master: decode it. */
    readonly answer: (tag: string, answerer: Answerer) => Effect.Effect<void>
    /**
     * Fails with this master's own failure alone: another one's is `missing`. `everywhere`: also where Postgres answers for all,
     * for what is in the masters' memory.
     */
    readonly ask: (
      question: TelemetryQuestion,
      options?: { readonly everywhere?: boolean }
    ) => Effect.Effect<Gathered, TelemetryQueryFailed>
    /** This master's answer to another one. */
    readonly respond: (tag: string, question: unknown) => Effect.Effect<unknown, TelemetryQueryFailed>
  }
>()("@nxmesh/master/telemetry/TelemetryGather") {
  static readonly layer = Layer.effect(
    TelemetryGather,
    Effect.gen(function* () {
      const peers = yield* TelemetryPeers
      const { dialect } = yield* TelemetrySql
      const answerers = new Map<string, Answerer>()
      const respond = (tag: string, question: unknown) =>
        Effect.suspend(() => {
          const answerer = answerers.get(tag)
          return answerer === undefined
            ? Effect.fail(
                new TelemetryQueryFailed({
                  reason: "Refused",
                  message: `this master does not know questions of the kind ${tag}: run the same version on all`
                })
              )
            : answerer(question)
        })
      const askOther = (id: MasterId, tag: string, question: string) =>
        peers.ask(id, tag, question, Limits.telemetry.gatherTimeout).pipe(
          Effect.flatMap((text) =>
            Effect.try({
              try: (): unknown => JSON.parse(text),
              catch: () => new TelemetryPeerSilent({ message: "it answered what this master does not understand" })
            })
          ),
          Effect.result,
          Effect.map((result) => ({ master: id, result }))
        )
      return TelemetryGather.of({
        answer: (tag, answerer) => Effect.sync(() => void answerers.set(tag, answerer)),
        respond,
        ask: Effect.fn("TelemetryGather.ask")(function* (question, { everywhere = false } = {}) {
          const others = dialect === "postgres" && !everywhere ? [] : yield* peers.others
          const text = JSON.stringify(question)
          const [own, told] = yield* Effect.all(
            [
              respond(question._tag, question),
              Effect.forEach(others, (id) => askOther(id, question._tag, text), { concurrency: "unbounded" })
            ],
            { concurrency: "unbounded" }
          )
          const answers = told.flatMap(({ master, result }) =>
            Result.isSuccess(result) ? [{ master, answer: result.success }] : []
          )
          const missing = told.flatMap(({ master, result }) =>
            Result.isFailure(result) ? [{ master, reason: result.failure.message }] : []
          )
          return { answers: [{ master: peers.self, answer: own }, ...answers], missing }
        })
      })
    })
  )
}
