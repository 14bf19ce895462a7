/** The pinned authority's certificate, learned once from a master that proves to have it. */
import { Effect, Ref } from "effect"
import { Identity } from "./Identity.ts"
import { LinkLost } from "./LinkLost.ts"
import { LinkSettings } from "./LinkSettings.ts"
import { addressOf } from "./MasterUrl.ts"
import { connectPinned, learnAuthority } from "./Tls.ts"

/** The fingerprint to pin; fails when neither the settings nor an enrolment has one: nobody is trusted unseen. */
export const pinnedFingerprint = Effect.gen(function* () {
  const { caFingerprint } = yield* LinkSettings
  const enrolled = yield* (yield* Identity).enrolled
  const fingerprint = caFingerprint ?? enrolled?.caFingerprint
  if (fingerprint === undefined) {
    return yield* new LinkLost({
      permanent: true,
      detail:
        "no authority is pinned: set NXMESH_CA_FINGERPRINT to the ca_fingerprint that came with the enrolment token"
    })
  }
  return fingerprint
})

/** Connects by TLS to a master of the pinned authority. */
export const makeConnect = Effect.gen(function* () {
  const learned = yield* Ref.make<{ readonly fingerprint: string; readonly pem: string } | null>(null)
  return Effect.fn("Link.connect")(function* (url: string) {
    const fingerprint = yield* pinnedFingerprint
    const address = addressOf(url)
    const known = yield* Ref.get(learned)
    if (known?.fingerprint === fingerprint) return yield* connectPinned(address, known.pem)
    const pem = yield* learnAuthority(address, fingerprint)
    yield* Ref.set(learned, { fingerprint, pem })
    return yield* connectPinned(address, pem)
  })
})
