/** Goal: no uploaded key, password or token is readable anywhere but where it is used. Method: plant them, then look. */
import { issueServerCertificate } from "@nxmesh/core/crypto/CertificateAuthority"
import { readCertificate } from "@nxmesh/core/crypto/CertificateFile"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { layerJsonLogger } from "@nxmesh/core/observe/JsonLogger"
import { Sessions } from "@nxmesh/master/auth/Sessions"
import { Cluster } from "@nxmesh/master/cluster/Cluster"
import { type Accepted, Commands } from "@nxmesh/master/command/Commands"
import { sealedPlaces, Secrets } from "@nxmesh/master/secrets/Secrets"
import { Reads } from "@nxmesh/master/state/Reads"
import {
  CertificateId,
  ConfigVersionId,
  OrganizationId,
  SecretVersionId,
  Sha256,
  WorkspaceId
} from "@nxmesh/protocol/Ids"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted, Result } from "effect"
import { filesContaining, holds } from "../../../../test/support/Plaintext.ts"
import { administrator, masterAt, temporaryDirectory } from "../auth/MasterState.ts"

const principal = { _tag: "System", component: "test" } as const
const certificateId = CertificateId.make("0197c0de-0000-7000-8000-00000000000c")
const organizationId = OrganizationId.make("0197c0de-0000-7000-8000-00000000000a")
const workspaceId = WorkspaceId.make("0197c0de-0000-7000-8000-00000000000b")

/** A certificate with a real key, as somebody would upload it. */
const upload = Effect.gen(function* () {
  const { authority } = yield* Cluster
  const { certificatePem, privateKeyPem } = yield* issueServerCertificate(authority, {
    dnsNames: ["planted.test"],
    ipAddresses: []
  })
  return Result.getOrThrow(readCertificate(certificatePem, Redacted.value(privateKeyPem)))
})

const uploadTwice = Effect.gen(function* () {
  const commands = yield* Commands
  const identifiers = yield* Identifiers
  const secrets = yield* Secrets
  yield* commands.submit({
    principal,
    command: {
      _tag: "SaveOrganization",
      mode: "create",
      if_match: null,
      organization: {
        id: organizationId,
        name: "Planted",
        slug: "planted",
        settings: { cross_workspace_visibility: false }
      }
    }
  })
  yield* commands.submit({
    principal,
    command: {
      _tag: "SaveWorkspace",
      mode: "create",
      if_match: null,
      workspace: { id: workspaceId, organization_id: organizationId, name: "Planted", slug: "planted" }
    }
  })
  const keys: Array<string> = []
  const answers: Array<Accepted> = []
  for (const mode of ["create", "update"] as const) {
    const { fingerprint_sha256, private_key_pem, ...facts } = yield* upload
    keys.push(Redacted.value(private_key_pem))
    answers.push(
      yield* commands.submit({
        principal,
        command: {
          _tag: "SaveCertificate",
          mode,
          if_match: null,
          version_id: ConfigVersionId.make(yield* identifiers.uuid),
          change_summary: "planted",
          rollback_of: null,
          certificate: {
            ...facts,
            id: certificateId,
            workspace_id: workspaceId,
            name: "planted",
            provider: "custom",
            auto_renew: false,
            fingerprint_sha256: Sha256.make(fingerprint_sha256),
            private_key: yield* secrets.seal(private_key_pem, sealedPlaces.certificate(certificateId)),
            secret_version_id: SecretVersionId.make(yield* identifiers.uuid)
          }
        }
      })
    )
  }
  return { keys, answers }
})

const everythingRead = Effect.gen(function* () {
  const reads = yield* Reads
  const page = { page: 1, perPage: 100, sort: "at", descending: false, filters: {} }
  return JSON.stringify([
    yield* reads.versions("certificate", certificateId, page),
    yield* reads.version("certificate", certificateId, 1),
    (yield* reads.audit({ ...page, sort: "entry" })).items
  ])
})

/** The second line of a PEM: unique to its key, and as it would stand in any file. */
const needleOf = (pem: string): string => pem.split("\n")[1] ?? assert.fail("not a PEM")

describe("planted secrets", () => {
  it.effect("are in no file, no answer of history or audit, and no log", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const lines: Array<string> = []
      const logger = layerJsonLogger({
        component: "master",
        minimumLevel: "Trace",
        write: (line) => void lines.push(line)
      })
      const planted = yield* Effect.gen(function* () {
        const { answers, keys } = yield* uploadTwice
        const session = yield* (yield* Sessions).login({ ...administrator, remoteAddress: "192.0.2.1" })
        yield* Effect.logInfo("everything at hand", session, yield* Cluster, { password: administrator.password })
        const history = yield* everythingRead
        const tokens = [session.accessToken, session.refreshToken].map(Redacted.value)
        return { keys, tokens, history, answers: JSON.stringify(answers) }
      }).pipe(Effect.provide(masterAt(directory).pipe(Layer.provideMerge(logger))))
      const { answers, history, keys, tokens } = planted
      assert.isAtLeast(lines.length, 2)
      assert.include(history, "planted.test")
      for (const needle of [...keys.map(needleOf), ...tokens, Redacted.value(administrator.password)]) {
        assert.deepStrictEqual(filesContaining(directory, needle), [])
        for (const text of [history, answers, lines.join("")]) assert.isFalse(holds(text, needle))
      }
    })
  )
})
