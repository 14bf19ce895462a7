/**
 * Whether this master can serve: each part registers a check when it starts, and `/readyz` asks them all. Before
 * a part has registered it is not there to ask, so the parts that must exist are named by `Master`.
 */
import { Context, Effect, Layer } from "effect"

export interface ReadinessCheck {
  readonly name: string
  /** What is wrong, for the operator; `null` when nothing is. */
  readonly problem: string | null
}

export class Readiness extends Context.Service<
  Readiness,
  {
    /** For as long as the scope lasts. */
    readonly register: (name: string, problem: Effect.Effect<string | null>) => Effect.Effect<void>
    readonly checks: Effect.Effect<ReadonlyArray<ReadinessCheck>>
  }
>()("@nxmesh/master/observe/Readiness") {
  /** `expected` parts count as failed until they register. */
  static readonly layer = (expected: ReadonlyArray<string>) =>
    Layer.sync(Readiness, () => {
      const problems = new Map<string, Effect.Effect<string | null>>(
        expected.map((name) => [name, Effect.succeed("has not started yet")])
      )
      return Readiness.of({
        register: (name, problem) => Effect.sync(() => void problems.set(name, problem)),
        checks: Effect.suspend(() =>
          Effect.forEach([...problems], ([name, problem]) => Effect.map(problem, (text) => ({ name, problem: text })))
        )
      })
    })
}
