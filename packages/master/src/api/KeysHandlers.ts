import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import type { Command } from "@nxmesh/protocol/Command"
import type { KeysStatus } from "@nxmesh/protocol/model/Keys"
import { Clock, DateTime, Duration, Effect, Result } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { signerOf, SigningKeys } from "../auth/SigningKeys.ts"
import { MasterStatuses } from "../cluster/MasterStatuses.ts"
import { type MasterKeys, rotationPlan } from "../keys/KeyDecisions.ts"
import { newSigningKey } from "../keys/SigningKeyRotation.ts"
import { Limits } from "../Limits.ts"
import { Secrets } from "../secrets/Secrets.ts"
import { Database } from "../state/Database.ts"
import { agentKeyCounts, agentKeysBefore, keyRotation, placesSealedWith } from "../state/ReadKeys.ts"
import { Reads } from "../state/Reads.ts"
import { refuse } from "./Refusal.ts"
import { submit } from "./Submission.ts"

export const layerKeys = HttpApiBuilder.group(
  NxMeshApi,
  "keys",
  Effect.fnUntraced(function* (handlers) {
    const { reader } = yield* Database
    const reads = yield* Reads
    const secrets = yield* Secrets
    const signingKeys = yield* SigningKeys
    const statuses = yield* MasterStatuses

    const masterKeys = Effect.gen(function* () {
      const answers = yield* statuses.all
      return (yield* reads.masters).map(({ id, name }): MasterKeys & { readonly id: typeof id } => {
        const answer = answers.get(id)
        return { id, name, key_ids: answer && Result.isSuccess(answer) ? (answer.success.key_ids ?? null) : null }
      })
    })

    /** Only while it is under way is there something to count. */
    const rotation = () => {
      const found = keyRotation(reader)
      if (found === undefined) return null
      const counted = found.ended_at === null ? Limits.keys.remainingCountedMax : 0
      return { ...found, remaining: placesSealedWith(reader, found.from_key_id, counted).length }
    }

    const signing = Effect.gen(function* () {
      const keys = yield* signingKeys.keys
      const nowMillis = yield* Clock.currentTimeMillis
      const signer = signerOf(keys, nowMillis)
      return keys.map((key) => ({
        key_id: key.keyId,
        state:
          key === signer
            ? ("signing" as const)
            : key.signsFromMillis > nowMillis
              ? ("next" as const)
              : ("verifying" as const),
        signs_from: DateTime.formatIso(DateTime.makeUnsafe(key.signsFromMillis))
      }))
    })

    const status = Effect.gen(function* () {
      const rotate_before = agentKeysBefore(reader)
      const oldest = (yield* Clock.currentTimeMillis) - Duration.toMillis(Limits.keys.agentKeyAge)
      const byAge = DateTime.formatIso(DateTime.makeUnsafe(oldest))
      const { keys, older } = agentKeyCounts(
        reader,
        rotate_before !== null && rotate_before > byAge ? rotate_before : byAge
      )
      const data: KeysStatus = {
        encryption: { key_id: secrets.keyId(), rotation: rotation(), masters: yield* masterKeys },
        signing: yield* signing,
        agents: { keys, due: older, rotate_before }
      }
      return { data }
    })

    const begin = (command: Command) => Effect.andThen(submit(command), status)

    const beginEncryption = Effect.gen(function* () {
      yield* secrets.ring.refresh
      const plan = rotationPlan(secrets.keyId(), yield* masterKeys)
      if ("problem" in plan) return yield* Effect.fail(refuse("CONFLICT", `The key was not changed: ${plan.problem}`))
      return yield* begin({ _tag: "BeginKeyRotation", from_key_id: secrets.keyId(), to_key_id: plan.toKeyId })
    })

    return handlers.handleAll({
      status: () => status,
      rotateEncryption: () => beginEncryption,
      rotateSigning: () => newSigningKey.pipe(Effect.provideService(Secrets, secrets), Effect.flatMap(begin)),
      rotateAgents: () => begin({ _tag: "RotateAgentKeys" })
    })
  })
)
