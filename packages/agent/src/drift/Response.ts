/** What is done about drift in the tree, by the policy. Runs under `Supervisor.exclusive`. */
import { Clock, Effect, Ref } from "effect"
import { join } from "node:path"
import type { FileError } from "@nxmesh/core/file/FileError"
import type { DriftResponse } from "@nxmesh/protocol/model/Drift"
import { Limits } from "../Limits.ts"
import type { NginxError } from "../nginx/NginxError.ts"
import { NginxInstance } from "../nginx/NginxInstance.ts"
import type { ValidationMode } from "../nginx/Validation.ts"
import { CurrentPolicy } from "../policy/CurrentPolicy.ts"
import { offerOf } from "./Acceptance.ts"
import type { Finding } from "./DriftJudgement.ts"
import { DriftOffers } from "./DriftOffers.ts"
import type { Texts } from "./DriftReport.ts"
import { readRegular } from "./FileHashes.ts"
import { revert, testTree } from "./Revert.ts"
import * as RevertBudget from "./RevertBudget.ts"
import type { FindText } from "./SettledText.ts"
import { isSecret, type SettledTree } from "./SettledTree.ts"

export interface Responded {
  readonly response: DriftResponse
  /** Why it is not more than that; `null` when there is nothing to say. */
  readonly reason: string | null
  /** The settled text of these is nowhere any more: what settled has to be deployed anew. */
  readonly unknown: ReadonlyArray<string>
}

const only = (response: DriftResponse, reason: string | null = null): Responded => ({ response, reason, unknown: [] })

/** Before anything is put back: what was found is gone afterwards. */
export const textsFor = Effect.fnUntraced(function* (
  settled: SettledTree,
  findings: ReadonlyArray<Finding>,
  findText: FindText
): Effect.fn.Return<(finding: Finding) => Texts, never, NginxInstance> {
  const { confDirectory } = yield* NginxInstance
  const texts = new Map<string, Texts>()
  for (const { detail, kind, path } of findings.slice(0, Limits.driftTextsMax)) {
    const file = settled.files[path]
    const found =
      kind === "missing" ? null : readRegular(join(confDirectory, settled.directory, path), Limits.driftTextBytesMax)
    const secret = isSecret(path, file?.mode ?? found?.stats.mode ?? 0o644)
    const isShown = !secret && detail === null && kind !== "link"
    texts.set(path, {
      isSecret: secret,
      settled: isShown ? yield* findText(path) : null,
      found: isShown ? (found?.bytes.toString("utf8") ?? null) : null
    })
  }
  return ({ path }) => texts.get(path) ?? { isSecret: false, settled: null, found: null }
})

const putBack = Effect.fnUntraced(function* (
  settled: SettledTree,
  findings: ReadonlyArray<Finding>,
  findText: FindText,
  validationMode: ValidationMode
): Effect.fn.Return<Responded, never, NginxInstance> {
  const failed = ({ message }: NginxError | FileError) => Effect.succeed(only("revert_failed", message))
  return yield* revert(settled, findings, findText, validationMode).pipe(
    Effect.map((unknown): Responded => ({ response: "reverted", reason: null, unknown })),
    Effect.catch(failed)
  )
})

const tooOften =
  "it is changed again and again, so it is left as found for a while: find out who else writes these files"

/** The one who looks again and again keeps the count. */
export interface Responder {
  readonly reverts: Ref.Ref<RevertBudget.Reverts>
  readonly validationMode: Effect.Effect<ValidationMode>
}

const nowMillis = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos / 1_000_000n))

export const respond = Effect.fn("Response.respond")(function* (
  { reverts, validationMode }: Responder,
  settled: SettledTree,
  findings: ReadonlyArray<Finding>,
  textsOf: (finding: Finding) => Texts,
  findText: FindText
): Effect.fn.Return<Responded, never, CurrentPolicy | DriftOffers | NginxInstance> {
  const { drift } = yield* (yield* CurrentPolicy).get
  const offers = yield* DriftOffers
  if (drift !== "accept") yield* offers.withdraw
  switch (drift) {
    case "alert":
      return only("alerted")
    case "accept": {
      const offer = offerOf(settled, findings, textsOf)
      if (typeof offer === "string") return yield* Effect.as(offers.withdraw, only("alerted", offer))
      if (!(yield* offers.isHeld(offer))) {
        const tested = yield* Effect.result(testTree(settled, yield* validationMode))
        if (tested._tag === "Failure") return yield* Effect.as(offers.withdraw, only("alerted", tested.failure.message))
      }
      const answer = yield* offers.offer(offer)
      return answer?.accepted === false ? only("alerted", `not accepted: ${answer.reason}`) : only("accepting")
    }
    case "revert": {
      const spent = RevertBudget.spend(yield* Ref.get(reverts), yield* nowMillis)
      if (spent === null) return only("alerted", tooOften)
      yield* Ref.set(reverts, spent)
      return yield* putBack(settled, findings, findText, yield* validationMode)
    }
  }
})
