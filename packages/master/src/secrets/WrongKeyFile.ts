/** The key file on this machine is not the one that the cluster's secrets were sealed with. */
import type { SealedSecret } from "@nxmesh/protocol/model/SealedSecret"
import { Data, Effect } from "effect"
import { Secrets } from "./Secrets.ts"

export class WrongKeyFile extends Data.TaggedError("WrongKeyFile")<{
  readonly keyFile: string
  /** What does not open. */
  readonly problem: string
}> {
  override get message() {
    return (
      `the key file ${this.keyFile} does not open this cluster's secrets: ${this.problem}. ` +
      `Put the key file back that this data directory was made with, or name it with NXMESH_SECRETS_KEY_FILE`
    )
  }
}

/** Opens what only another key file can keep from being opened. */
export const openWithKeyFile = Effect.fnUntraced(function* (sealed: SealedSecret, place: string) {
  const { keyFile, open } = yield* Secrets
  return yield* Effect.mapError(open(sealed, place), ({ message }) => new WrongKeyFile({ keyFile, problem: message }))
})
