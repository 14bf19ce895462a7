/** The config engine over a real state in a directory of its own. */
import { Effect, Layer, Redacted } from "effect"
import { join } from "node:path"
import { unstamped } from "../../src/api/Unstamped.ts"
import { ConfigEngine } from "../../src/config/ConfigEngine.ts"
import { Secrets, sealedPlaces } from "../../src/secrets/Secrets.ts"
import { masterLayer, saving, temporaryDirectory } from "../state/TestMaster.ts"
import { certificate, host } from "./Fixtures.ts"
import type { Command } from "@nxmesh/protocol/Command"

export const engineLayer = (directory: string) =>
  ConfigEngine.layer.pipe(
    Layer.provideMerge(masterLayer(directory)),
    Layer.provideMerge(Secrets.layerAt({ keyFile: join(directory, "secrets.key"), create: true }))
  )

export const onEngine = <A, E, R>(test: Effect.Effect<A, E, R>) =>
  Effect.flatMap(temporaryDirectory, (directory) => Effect.provide(test, engineLayer(directory)))

export const privateKey = "-----BEGIN PRIVATE KEY-----\nplanted\n-----END PRIVATE KEY-----\n"

/** Sealed as an upload is, before the command exists. */
export const saveCertificate = Effect.fnUntraced(function* (number: number) {
  const secrets = yield* Secrets
  const content = unstamped(certificate(number))
  const private_key = yield* secrets.seal(Redacted.make(privateKey), sealedPlaces.certificate(content.id))
  return { _tag: "SaveCertificate", ...saving(), certificate: { ...content, private_key } } satisfies Command
})

/** A host as a request would have it: without id and stamps. */
export const hostDraft = (number: number, fields: Parameters<typeof host>[1] = {}) => {
  const { id: _id, ...data } = unstamped(host(number, fields))
  return data
}
