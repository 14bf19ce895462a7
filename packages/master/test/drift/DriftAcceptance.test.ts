/** What an agent found in the place of a host's text, and what becomes of it (drift policy "accept"). */
import { DriftAcceptance, layerDriftAcceptance } from "@nxmesh/master/drift/DriftAcceptance"
import { ConfigEngine } from "@nxmesh/master/config/ConfigEngine"
import { Reads } from "@nxmesh/master/state/Reads"
import { hostNames, render, type RenderedFile } from "@nxmesh/core/nginx/Render"
import { clusterVersions } from "@nxmesh/protocol/ClusterVersion"
import type { Command } from "@nxmesh/protocol/Command"
import type { DriftOffer } from "@nxmesh/protocol/link/DriftOffer"
import type { Bundle } from "@nxmesh/protocol/model/Bundle"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { onSessions } from "../agents/Connecting.ts"
import { agentId, hostId } from "../config/Fixtures.ts"
import { description, initialise } from "../state/TestCluster.ts"
import { saveAgent, saveHost, submit, tenant, update } from "../state/TestMaster.ts"

const directory = "20260302143000-000007"

/** As an agent renders it. */
const hostFile = (bundle: Bundle): RenderedFile => {
  const tree = render({
    bundle,
    nginx: { version: "1.22.1", modules: ["http_ssl", "http_v2"] },
    layout: {
      confDirectory: "/etc/nginx/conf.d",
      runtimeDirectory: "/run/nxmesh",
      logDirectory: null,
      ownsMainContext: true,
      ownsDefaultServer: true
    },
    directory,
    deploymentId: "1",
    addresses: new Map(hostNames(bundle).map((name) => [name, ["192.0.2.1"]]))
  })
  return (
    Result.getOrThrow(tree).files.find(({ resource }) => resource?.kind === "virtual_host") ?? assert.fail("no host")
  )
}

const rendered = Effect.gen(function* () {
  const bundle = yield* (yield* ConfigEngine).bundle(agentId(1))
  return { bundle, file: hostFile(bundle) }
})

const begun = (drift: "accept" | "alert") =>
  Effect.gen(function* () {
    yield* submit({ ...initialise(description(1)), cluster_version: clusterVersions.highest } as Command)
    yield* tenant
    yield* submit(saveAgent(1, { policy: { drift } }, update()))
    yield* submit(saveHost(1))
    const { bundle, file } = yield* rendered
    const found = file.content.replace("gzip off;", "gzip off;\n    add_header X-By-Hand yes;")
    assert.notStrictEqual(found, file.content)
    const offer: DriftOffer = {
      generation: bundle.generation,
      directory,
      files: [{ path: file.path, settled: file.content, found }]
    }
    return { bundle, found, offer, acceptance: yield* DriftAcceptance }
  })

const onMaster = <A, E, R>(test: Effect.Effect<A, E, R>) => onSessions(Effect.provide(test, layerDriftAcceptance))

describe("DriftAcceptance", () => {
  it.effect("makes the text found the next version of the host, word for word, once", () =>
    onMaster(
      Effect.gen(function* () {
        const { acceptance, bundle, found, offer } = yield* begun("accept")
        assert.deepStrictEqual(yield* acceptance.offer(agentId(1), offer), { accepted: true, reason: "" })
        const after = yield* rendered
        assert.strictEqual(after.file.content, found)
        assert.notStrictEqual(after.bundle.generation, bundle.generation)
        // The answer may be lost, and the same is offered again.
        assert.isTrue((yield* acceptance.offer(agentId(1), offer)).accepted)
        const { items } = yield* (yield* Reads).versions("virtual_host", hostId(1), { page: 1, perPage: 10 })
        assert.strictEqual(items.length, 2)
        assert.include(items.map(({ change_summary }) => change_summary).join(), "drift of agent")
        assert.include(items.map(({ created_by }) => created_by).join(), `system:drift:${agentId(1)}`)
      })
    )
  )
  it.effect("takes no agent's word where the policy does not say so", () =>
    onMaster(
      Effect.gen(function* () {
        const { acceptance, bundle, offer } = yield* begun("alert")
        const { accepted, reason } = yield* acceptance.offer(agentId(1), offer)
        assert.isFalse(accepted)
        assert.include(reason, '"alert"')
        assert.strictEqual((yield* rendered).bundle.generation, bundle.generation)
      })
    )
  )
  it.effect("refuses a forbidden directive, a file of nobody, and a host that was changed meanwhile", () =>
    onMaster(
      Effect.gen(function* () {
        const { acceptance, found, offer } = yield* begun("accept")
        const [file] = offer.files
        const refusal = (changes: Partial<typeof file>) =>
          Effect.map(
            acceptance.offer(agentId(1), { ...offer, files: [{ ...file, ...changes }] }),
            ({ accepted, reason }) => (accepted ? "accepted" : reason)
          )
        const evil = found.replace("X-By-Hand yes;", "X-By-Hand yes;\n    ssl_engine evil;")
        assert.include(yield* refusal({ found: evil }), "ssl_engine")
        assert.include(yield* refusal({ path: "http/90-proof.conf" }), "no virtual host")
        yield* submit(saveHost(1, { gzip_enabled: true }, update()))
        assert.include(yield* refusal({}), "changed meanwhile")
      })
    )
  )
})
